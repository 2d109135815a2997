// SPDX-License-Identifier: 0BSD
// Watches an AXI4 interface and counts what breaks a rule of it, on either side.
//
// A manager and a subordinate with INCR bursts of whole beats and one order of responses, which is
// what the accelerator and the memories of its benches are. An AXI4-Lite interface is one whose
// bursts have a single beat.
//
//   held      VALID stays high until READY, with the same payload, on each channel
//   unknown   no VALID or READY, and no address, length or strobe that is offered, has an X
//   reset     no VALID is high in reset, but for the cycle in which it begins
//   burst     INCR, whole beats, within 4 KiB
//   last      WLAST and RLAST are high in the last beat of a burst and in no other; data may come
//             before their address
//   order     a response comes only after all that it answers: B after the address and the last
//             beat, R after the address; identifiers come back
//   number    no more bursts are outstanding than QUEUE - 1
//   wait      WVALID does not wait for AWREADY: where the address of a burst is offered for PATIENCE
//             cycles and taken in none, its data are offered too
//
// Each rule is reported once; `errors` counts every cycle in which one is broken.

`default_nettype none

module naas_axi_check #(
    parameter NAME       = "memory",  // in messages
    parameter BEAT_BYTES = 8,         // 4, 8, 16, 32
    parameter QUEUE      = 65536,     // a power of two
    parameter ID_WIDTH   = 1,
    parameter PATIENCE   = 512
) (
    input  wire                    aclk,
    input  wire                    aresetn,
    input  wire [ID_WIDTH-1:0]     awid,
    input  wire [63:0]             awaddr,
    input  wire [7:0]              awlen,
    input  wire [2:0]              awsize,
    input  wire [1:0]              awburst,
    input  wire                    awvalid,
    input  wire                    awready,
    input  wire [8*BEAT_BYTES-1:0] wdata,
    input  wire [BEAT_BYTES-1:0]   wstrb,
    input  wire                    wlast,
    input  wire                    wvalid,
    input  wire                    wready,
    input  wire [ID_WIDTH-1:0]     bid,
    input  wire [1:0]              bresp,
    input  wire                    bvalid,
    input  wire                    bready,
    input  wire [ID_WIDTH-1:0]     arid,
    input  wire [63:0]             araddr,
    input  wire [7:0]              arlen,
    input  wire [2:0]              arsize,
    input  wire [1:0]              arburst,
    input  wire                    arvalid,
    input  wire                    arready,
    input  wire [ID_WIDTH-1:0]     rid,
    input  wire [8*BEAT_BYTES-1:0] rdata,
    input  wire [1:0]              rresp,
    input  wire                    rlast,
    input  wire                    rvalid,
    input  wire                    rready,
    output reg  [31:0]             errors
);
    localparam BEAT_LOG2 = (BEAT_BYTES == 4) ? 2 : (BEAT_BYTES == 8) ? 3 : (BEAT_BYTES == 16) ? 4 : 5;
    localparam [1:0] INCR = 2'b01;
    localparam ADDRESS_BITS = ID_WIDTH + 64 + 8 + 3 + 2;
    localparam W_BITS       = 9 * BEAT_BYTES + 1;
    localparam R_BITS       = 8 * BEAT_BYTES + ID_WIDTH + 3;
    localparam B_BITS       = ID_WIDTH + 2;

    localparam AR_HELD = 0,  AW_HELD = 1,  W_HELD  = 2,  R_HELD  = 3,  B_HELD  = 4,  UNKNOWN = 5,
               RESET   = 6,  AR_KIND = 7,  AW_KIND = 8,  AR_4K   = 9,  AW_4K   = 10, W_LAST  = 11,
               R_LAST  = 12, B_ORDER = 13, R_ORDER = 14, AR_MANY = 15, AW_MANY = 16, W_WAITS = 17,
               NUM_RULES = 18;

    reg [31:0]          now;
    reg [NUM_RULES-1:0] reported;

    initial begin
        errors   = 0;
        reported = 0;
    end

    task broken;
        input integer rule;
        begin
            errors = errors + 1;
            if (!reported[rule]) begin
                reported[rule] = 1'b1;
                $write("naas_axi_check: %0s: cycle %0d: ", NAME, now);
                case (rule)
                    AR_HELD: $display("AR must hold until ARREADY");
                    AW_HELD: $display("AW must hold until AWREADY");
                    W_HELD:  $display("W must hold until WREADY");
                    R_HELD:  $display("R must hold until RREADY");
                    B_HELD:  $display("B must hold until BREADY");
                    UNKNOWN: $display("what is offered must be known, not X");
                    RESET:   $display("AWVALID WVALID BVALID ARVALID RVALID must be low in reset, not %b%b%b%b%b", awvalid, wvalid, bvalid, arvalid, rvalid);
                    AR_KIND: $display("a read burst must be INCR of %0d bytes a beat, not type %0d size %0d", BEAT_BYTES, arburst, arsize);
                    AW_KIND: $display("a write burst must be INCR of %0d bytes a beat, not type %0d size %0d", BEAT_BYTES, awburst, awsize);
                    AR_4K:   $display("a read burst must stay within 4 KiB, not address %h length %0d", araddr, arlen);
                    AW_4K:   $display("a write burst must stay within 4 KiB, not address %h length %0d", awaddr, awlen);
                    W_LAST:  $display("WLAST must be high in the last beat of a burst only, not %b in beat %0d", wlast, w_beat);
                    R_LAST:  $display("RLAST must be high in the last beat of a burst only, not %b in beat %0d", rlast, r_beat);
                    B_ORDER: $display("BVALID must wait for the address and the data of the burst, and have its identifier");
                    R_ORDER: $display("RVALID must wait for the address, and have its identifier");
                    AR_MANY: $display("at most %0d read bursts may be outstanding", QUEUE - 1);
                    AW_MANY: $display("at most %0d write bursts may be outstanding", QUEUE - 1);
                    W_WAITS: $display("WVALID must not wait for AWREADY");
                    default: $display("rule %0d", rule);
                endcase
            end
        end
    endtask

    // ---------------------------------------------------------------- what was offered before
    reg                     aw_waits, w_waits, b_waits, ar_waits, r_waits, in_reset;
    reg  [ADDRESS_BITS-1:0] aw_before, ar_before;
    reg  [W_BITS-1:0]       w_before;
    reg  [R_BITS-1:0]       r_before;
    reg  [B_BITS-1:0]       b_before;
    wire [ADDRESS_BITS-1:0] aw_offer = {awid, awaddr, awlen, awsize, awburst};
    wire [ADDRESS_BITS-1:0] ar_offer = {arid, araddr, arlen, arsize, arburst};
    wire [W_BITS-1:0]       w_offer  = {wdata, wstrb, wlast};
    wire [R_BITS-1:0]       r_offer  = {rdata, rid, rresp, rlast};
    wire [B_BITS-1:0]       b_offer  = {bid, bresp};

    wire unknown = (^{awvalid, awready, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready}) === 1'bx
                || (awvalid === 1'b1 && (^aw_offer) === 1'bx)
                || (arvalid === 1'b1 && (^ar_offer) === 1'bx)
                || (wvalid === 1'b1 && (^{wstrb, wlast}) === 1'bx)
                || (rvalid === 1'b1 && (^{rid, rresp, rlast}) === 1'bx)
                || (bvalid === 1'b1 && (^b_offer) === 1'bx);

    always @(posedge aclk) begin
        in_reset <= !aresetn;
        aw_waits <= aresetn && awvalid && !awready;
        w_waits  <= aresetn && wvalid && !wready;
        b_waits  <= aresetn && bvalid && !bready;
        ar_waits <= aresetn && arvalid && !arready;
        r_waits  <= aresetn && rvalid && !rready;
        aw_before <= aw_offer;
        w_before  <= w_offer;
        b_before  <= b_offer;
        ar_before <= ar_offer;
        r_before  <= r_offer;
        now <= aresetn ? now + 1 : 32'd1;
        if (aresetn) begin
            if (aw_waits && (awvalid !== 1'b1 || aw_offer !== aw_before)) broken(AW_HELD);
            if (w_waits  && (wvalid  !== 1'b1 || w_offer  !== w_before))  broken(W_HELD);
            if (b_waits  && (bvalid  !== 1'b1 || b_offer  !== b_before))  broken(B_HELD);
            if (ar_waits && (arvalid !== 1'b1 || ar_offer !== ar_before)) broken(AR_HELD);
            if (r_waits  && (rvalid  !== 1'b1 || r_offer  !== r_before))  broken(R_HELD);
            if (unknown) broken(UNKNOWN);
        end else if (in_reset === 1'b1 && {awvalid, wvalid, bvalid, arvalid, rvalid} !== 5'd0)
            broken(RESET);
    end

    // ---------------------------------------------------------------- bursts of writes
    reg [8+ID_WIDTH-1:0] aw_list [0:QUEUE-1];  // identifier and length of each address
    reg [8:0]            w_list  [0:QUEUE-1];  // length of data that came before their address
    reg [31:0]           num_aw, num_w, num_b; // bursts: addresses, last beats, responses
    reg [31:0]           w_beat, waited;
    wire aw_take = awvalid && awready;
    wire w_take  = wvalid && wready;
    wire b_take  = bvalid && bready;
    wire [8+ID_WIDTH-1:0] w_entry = aw_list[num_w & (QUEUE - 1)];
    wire [8+ID_WIDTH-1:0] b_entry = aw_list[num_b & (QUEUE - 1)];
    wire       w_known  = num_aw != num_w && $signed(num_aw - num_w) > 0;
    wire       w_late   = num_aw != num_w && $signed(num_aw - num_w) < 0;  // data are ahead
    wire       w_named  = w_known || (num_aw == num_w && aw_take);
    wire [7:0] w_length = w_known ? w_entry[7:0] : awlen;
    wire       w_end    = w_named ? w_beat == w_length : wlast === 1'b1;
    wire [8:0] w_ahead  = w_list[num_aw & (QUEUE - 1)];

    always @(posedge aclk)
        if (!aresetn) begin
            num_aw <= 0;
            num_w  <= 0;
            num_b  <= 0;
            w_beat <= 0;
            waited <= 0;
        end else begin
            if (aw_take) begin
                if (awburst !== INCR || awsize !== BEAT_LOG2) broken(AW_KIND);
                if (awaddr[11:0] + ((awlen + 14'd1) << BEAT_LOG2) > 14'd4096) broken(AW_4K);
                if (num_aw - num_b >= QUEUE - 1) broken(AW_MANY);
                if (w_late && w_ahead != {1'b0, awlen}) broken(W_LAST);
                if (num_aw == num_w && w_beat > awlen) broken(W_LAST);
                aw_list[num_aw & (QUEUE - 1)] <= {awid, awlen};
                num_aw <= num_aw + 1;
            end
            if (w_take) begin
                if (w_named && wlast !== w_end) broken(W_LAST);
                if (!w_named && wlast) w_list[num_w & (QUEUE - 1)] <= w_beat;
                w_beat <= w_end ? 32'd0 : w_beat + 1;
                if (w_end) num_w <= num_w + 1;
            end
            if (bvalid && !($signed(num_aw - num_b) > 0 && $signed(num_w - num_b) > 0
                            && bid === b_entry[8 +: ID_WIDTH])) broken(B_ORDER);
            if (b_take) num_b <= num_b + 1;

            waited <= awvalid && !awready && num_aw == num_w && w_beat == 0 && !wvalid ? waited + 1 : 32'd0;
            if (waited == PATIENCE) broken(W_WAITS);
        end

    // ---------------------------------------------------------------- bursts of reads
    reg [8+ID_WIDTH-1:0] ar_list [0:QUEUE-1];
    reg [31:0]           num_ar, num_r;
    reg [8:0]            r_beat;
    wire [8+ID_WIDTH-1:0] r_entry = ar_list[num_r & (QUEUE - 1)];
    wire                  r_end   = r_beat == {1'b0, r_entry[7:0]};

    always @(posedge aclk)
        if (!aresetn) begin
            num_ar <= 0;
            num_r  <= 0;
            r_beat <= 0;
        end else begin
            if (arvalid && arready) begin
                if (arburst !== INCR || arsize !== BEAT_LOG2) broken(AR_KIND);
                if (araddr[11:0] + ((arlen + 14'd1) << BEAT_LOG2) > 14'd4096) broken(AR_4K);
                if (num_ar - num_r >= QUEUE - 1) broken(AR_MANY);
                ar_list[num_ar & (QUEUE - 1)] <= {arid, arlen};
                num_ar <= num_ar + 1;
            end
            if (rvalid && !(num_ar != num_r && rid === r_entry[8 +: ID_WIDTH])) broken(R_ORDER);
            if (rvalid && rready) begin
                if (num_ar != num_r && rlast !== r_end) broken(R_LAST);
                r_beat <= r_end ? 9'd0 : r_beat + 9'd1;
                if (r_end) num_r <= num_r + 1;
            end
        end
endmodule

`default_nettype wire
