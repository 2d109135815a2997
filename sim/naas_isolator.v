// Stands between the accelerator and its memory, and lets the accelerator be reset alone.
//
// AXI4 knows no reset of one side: what was offered must be held, and a burst that was begun must be
// ended. While `isolate` is high this does both in place of the accelerator, which is in reset: it
// holds what was offered until it is taken, sends the missing data of writes with all strobes low,
// and takes all responses. `quiet` is high when nothing is left; only then may the accelerator go
// on. A system that resets the accelerator alone needs the like, or has to reset its interconnect
// too.
//
// It needs a manager that offers the address of a burst no later than its data, as ours does.

`default_nettype none

module naas_isolator #(
    parameter BEAT_BYTES = 8,
    parameter QUEUE      = 65536     // outstanding bursts, a power of two
) (
    input  wire                    aclk,
    input  wire                    aresetn,
    input  wire                    isolate,
    output wire                    quiet,
    // from the accelerator: everything that it offers in a channel
    input  wire [77:0]             core_aw,        // id, address, length, size, burst type
    input  wire                    core_awvalid,
    output wire                    core_awready,
    input  wire [9*BEAT_BYTES:0]   core_w,         // data, strobes, last
    input  wire                    core_wvalid,
    output wire                    core_wready,
    output wire                    core_bvalid,
    input  wire                    core_bready,
    input  wire [77:0]             core_ar,
    input  wire                    core_arvalid,
    output wire                    core_arready,
    output wire                    core_rvalid,
    input  wire                    core_rready,
    // to the memory
    output wire [77:0]             aw,
    output wire                    awvalid,
    input  wire                    awready,
    output wire [9*BEAT_BYTES:0]   w,
    output wire                    wvalid,
    input  wire                    wready,
    input  wire                    bvalid,
    output wire                    bready,
    output wire [77:0]             ar,
    output wire                    arvalid,
    input  wire                    arready,
    input  wire                    rvalid,
    input  wire                    rlast,
    output wire                    rready
);
    // ---------------------------------------------------------------- what is offered and not taken
    reg                  aw_waits, w_waits, ar_waits;
    reg [77:0]           aw_held, ar_held;
    reg [9*BEAT_BYTES:0] w_held;

    // ---------------------------------------------------------------- what is under way
    reg [7:0]  lengths [0:QUEUE-1];
    reg [31:0] num_aw, num_w, num_b, num_ar, num_r;
    reg [7:0]  w_beat;
    wire       addressed = num_aw != num_w && $signed(num_aw - num_w) > 0;
    wire       owed      = addressed || (num_aw == num_w && aw_waits);
    wire [7:0] length    = addressed ? lengths[num_w & (QUEUE - 1)] : aw_held[12:5];

    assign aw      = isolate ? aw_held : core_aw;
    assign awvalid = isolate ? aw_waits : core_awvalid;
    assign ar      = isolate ? ar_held : core_ar;
    assign arvalid = isolate ? ar_waits : core_arvalid;
    assign w       = !isolate ? core_w : w_waits ? w_held
                   : {{9*BEAT_BYTES{1'b0}}, w_beat == length};
    assign wvalid  = isolate ? w_waits || owed : core_wvalid;
    assign bready  = isolate || core_bready;
    assign rready  = isolate || core_rready;
    assign core_awready = awready && !isolate;
    assign core_wready  = wready && !isolate;
    assign core_arready = arready && !isolate;
    assign core_bvalid  = bvalid && !isolate;
    assign core_rvalid  = rvalid && !isolate;
    assign quiet = !aw_waits && !w_waits && !ar_waits && num_aw == num_w && num_w == num_b
                && num_ar == num_r;

    always @(posedge aclk)
        if (!aresetn) begin
            aw_waits <= 1'b0;
            w_waits  <= 1'b0;
            ar_waits <= 1'b0;
            num_aw   <= 32'd0;
            num_w    <= 32'd0;
            num_b    <= 32'd0;
            num_ar   <= 32'd0;
            num_r    <= 32'd0;
            w_beat   <= 8'd0;
        end else begin
            aw_waits <= awvalid && !awready;
            w_waits  <= wvalid && !wready;
            ar_waits <= arvalid && !arready;
            aw_held  <= aw;
            w_held   <= w;
            ar_held  <= ar;
            if (awvalid && awready) begin
                lengths[num_aw & (QUEUE - 1)] <= aw[12:5];
                num_aw <= num_aw + 1;
            end
            if (wvalid && wready) begin
                w_beat <= w[0] ? 8'd0 : w_beat + 8'd1;
                if (w[0]) num_w <= num_w + 1;
            end
            if (bvalid && bready) num_b <= num_b + 1;
            if (arvalid && arready) num_ar <= num_ar + 1;
            if (rvalid && rready && rlast) num_r <= num_r + 1;
        end
endmodule

`default_nettype wire
