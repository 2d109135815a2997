// AXI4 slave memory of the simulation, with exact timing.
//
// Cycle numbers are clock periods; a handshake in cycle t has valid and ready high in cycle t and is
// sampled at the edge that ends it.
//   AR       always ready. Accepted in cycle a, its beats come in order, INCR only; a beat is offered
//            in the first cycle t >= a + latency with t >= (cycle of the previous beat) + period.
//            RVALID is high in such cycles only; where RREADY is low there, the beat waits and
//            `rready_low` counts the cycle. Data are those of the time of the beat.
//   AW       always ready.
//   W        accepted in the first cycle t >= (cycle of the previous W beat) + period in which WVALID
//            is high and the AW of its burst was accepted in a cycle before t.
//   B        valid in the first cycle >= (cycle of the last W beat) + latency, in order, held.
//   order    data of a write are promised to reads whose AR is accepted after the cycle of its
//            response; a beat that is read earlier than that counts in `ordering_errors`.
// latency and period are the parameters unless +latency=N and +period=N say otherwise.
//
// Plusargs
//   +latency=N +period=N             timing of this run
//   +dram_bytes=N                    window of legal addresses, at most SIZE_BYTES (the default)
//   +dram_image=PATH                 $readmemh at time 0: a beat a line, byte 0 least significant
//   +dram_binary=PATH                the same with $fread: bytes of a beat in falling order; faster
//   +dram_result=PATH                where a rising edge of `dump` writes memory, with $writememh:
//   +dump_first=N +dump_last=N       beats N to N of it; all of the window without them
//   +stall_seed=N +stall_percent=P   each valid and ready of this side is low in P % of all cycles
//   +read_error_address=HEX          SLVERR on every beat that contains the address
//   +write_error_address=HEX         SLVERR for every burst that contains the address

`default_nettype none

module naas_dram #(
    parameter BEAT_BYTES = 8,        // 4, 8, 16, 32
    parameter LATENCY    = 1,        // >= 1
    parameter PERIOD     = 1,        // >= 1
    parameter SIZE_BYTES = 65536,    // storage, a multiple of BEAT_BYTES
    parameter QUEUE      = 65536,    // outstanding bursts per direction, a power of two
    parameter ID_WIDTH   = 1
) (
    input  wire                      aclk,
    input  wire                      aresetn,
    input  wire [ID_WIDTH-1:0]       awid,
    input  wire [63:0]               awaddr,
    input  wire [7:0]                awlen,
    input  wire [2:0]                awsize,
    input  wire [1:0]                awburst,
    input  wire                      awvalid,
    output wire                      awready,
    input  wire [8*BEAT_BYTES-1:0]   wdata,
    input  wire [BEAT_BYTES-1:0]     wstrb,
    input  wire                      wlast,
    input  wire                      wvalid,
    output wire                      wready,
    output wire [ID_WIDTH-1:0]       bid,
    output wire [1:0]                bresp,
    output wire                      bvalid,
    input  wire                      bready,
    input  wire [ID_WIDTH-1:0]       arid,
    input  wire [63:0]               araddr,
    input  wire [7:0]                arlen,
    input  wire [2:0]                arsize,
    input  wire [1:0]                arburst,
    input  wire                      arvalid,
    output wire                      arready,
    output wire [ID_WIDTH-1:0]       rid,
    output wire [8*BEAT_BYTES-1:0]   rdata,
    output wire [1:0]                rresp,
    output wire                      rlast,
    output wire                      rvalid,
    input  wire                      rready,
    input  wire                      dump,
    output reg  [31:0]               protocol_errors,
    output reg  [31:0]               ordering_errors,
    output reg  [31:0]               rready_low
);
    localparam WORDS     = SIZE_BYTES / BEAT_BYTES;
    localparam BEAT_LOG2 = (BEAT_BYTES == 4) ? 2 : (BEAT_BYTES == 8) ? 3 : (BEAT_BYTES == 16) ? 4 : 5;
    localparam [1:0] OKAY = 2'b00, SLVERR = 2'b10, DECERR = 2'b11, INCR = 2'b01;
    localparam [31:0] PENDING = 32'hffffffff;

    localparam ERROR_AR_BURST  = 0,  ERROR_AW_BURST  = 1,  ERROR_AR_4K     = 2,  ERROR_AW_4K    = 3,
               ERROR_AR_WINDOW = 4,  ERROR_AW_WINDOW = 5,  ERROR_AR_ALIGN  = 6,  ERROR_AW_ALIGN = 7,
               ERROR_WLAST     = 8,  ERROR_AR_STABLE = 9,  ERROR_AW_STABLE = 10, ERROR_W_STABLE = 11,
               ERROR_X         = 12, ERROR_AR_QUEUE  = 13, ERROR_AW_QUEUE  = 14, ERROR_ORDER    = 15,
               NUM_ERRORS      = 16;

    // ---------------------------------------------------------------- settings of this run
    reg [31:0]     latency, period, window_bytes, stall_percent;
    reg [63:0]     stall_seed;
    reg            read_error_enable, write_error_enable;
    reg [31:0]     read_error_address, write_error_address;
    reg [8191:0]   image_path, result_path;
    reg            has_result;
    reg [31:0]     dump_first, dump_last;
    integer        binary, num_read;

    reg [8*BEAT_BYTES-1:0] memory  [0:WORDS-1];
    reg [31:0]             visible [0:WORDS-1];  // cycle of the response to the last write, or PENDING

    integer i;
    initial begin
        latency       = LATENCY;
        period        = PERIOD;
        window_bytes  = SIZE_BYTES;
        stall_percent = 0;
        stall_seed    = 64'd1;
        read_error_address  = 0;
        write_error_address = 0;
        if ($value$plusargs("latency=%d", latency)) begin end
        if ($value$plusargs("period=%d", period)) begin end
        if ($value$plusargs("dram_bytes=%d", window_bytes)) begin end
        if ($value$plusargs("stall_percent=%d", stall_percent)) begin end
        if ($value$plusargs("stall_seed=%d", stall_seed)) begin end
        read_error_enable  = $value$plusargs("read_error_address=%h", read_error_address) != 0;
        write_error_enable = $value$plusargs("write_error_address=%h", write_error_address) != 0;
        has_result = $value$plusargs("dram_result=%s", result_path) != 0;
        if (latency < 1 || period < 1 || window_bytes > SIZE_BYTES) begin
            $display("naas_dram: latency and period must be at least 1 and the window at most %0d bytes, not %0d, %0d, %0d",
                     SIZE_BYTES, latency, period, window_bytes);
            $finish;
        end
        if ($value$plusargs("dram_image=%s", image_path))
            $readmemh(image_path, memory, 0, window_bytes / BEAT_BYTES - 1);
        if ($value$plusargs("dram_binary=%s", image_path)) begin
            binary   = $fopen(image_path, "rb");
            num_read = $fread(memory, binary, 0, window_bytes / BEAT_BYTES);
            $fclose(binary);
            if (num_read != window_bytes) begin
                $display("naas_dram: the image must have %0d bytes, not %0d", window_bytes, num_read);
                $finish;
            end
        end
        dump_first = 0;
        dump_last  = window_bytes / BEAT_BYTES - 1;
        if ($value$plusargs("dump_first=%d", dump_first)) begin end
        if ($value$plusargs("dump_last=%d", dump_last)) begin end
`ifdef VERILATOR
        // Icarus leaves X, which no comparison below takes for a late response.
        for (i = 0; i < WORDS; i = i + 1) visible[i] = 32'd0;
`endif
    end

    always @(posedge dump)
        if (has_result) $writememh(result_path, memory, dump_first, dump_last);

    // ---------------------------------------------------------------- cycle and random stalls
    reg [31:0] now;
    reg [63:0] random_state;
    wire [63:0] random_1 = random_state ^ (random_state << 13);
    wire [63:0] random_2 = random_1 ^ (random_1 >> 7);
    wire [63:0] random_3 = random_2 ^ (random_2 << 17);
    wire [31:0] threshold = stall_percent * 4096 / 100;
    wire stall_ar = random_state[11:0]  < threshold;
    wire stall_aw = random_state[23:12] < threshold;
    wire stall_w  = random_state[35:24] < threshold;
    wire stall_r  = random_state[47:36] < threshold;
    wire stall_b  = random_state[59:48] < threshold;

    always @(posedge aclk)
        if (!aresetn) begin
            now          <= 32'd1;
            random_state <= (stall_seed + 64'd1) * 64'h9e3779b97f4a7c15 | 64'd1;
        end else begin
            now          <= now + 32'd1;
            random_state <= random_3;
        end

    // ---------------------------------------------------------------- read
    reg [31:0]         ar_word  [0:QUEUE-1];
    reg [31:0]         ar_cycle [0:QUEUE-1];
    reg [8+ID_WIDTH:0] ar_info  [0:QUEUE-1];     // outside the window, id, length
    reg [31:0]         ar_head, ar_tail;
    reg [8:0]          r_count;
    reg [31:0]         r_next;
    reg                r_held;

    wire [31:0]         ar_slot   = ar_head & (QUEUE - 1);
    wire [8+ID_WIDTH:0] r_info    = ar_info[ar_slot];
    wire [31:0]         r_accept  = ar_cycle[ar_slot];
    wire [31:0]         r_word    = ar_word[ar_slot] + r_count;
    wire                r_outside = r_info[8+ID_WIDTH];
    wire r_due  = ar_head != ar_tail && now >= r_accept + latency && now >= r_next;
    wire r_take = rvalid && rready;

    assign arready = aresetn && !stall_ar;
    assign rvalid  = aresetn && r_due && (!stall_r || r_held);
    assign rlast   = rvalid && r_count == {1'b0, r_info[7:0]};
    assign rid     = rvalid ? r_info[8 +: ID_WIDTH] : {ID_WIDTH{1'b0}};
    assign rdata   = rvalid && !r_outside ? memory[r_word] : {BEAT_BYTES{8'ha5}};
    assign rresp   = !rvalid ? OKAY : r_outside ? DECERR
                   : read_error_enable && r_word == read_error_address >> BEAT_LOG2 ? SLVERR : OKAY;

    wire ar_inside = araddr[63:32] == 0
                   && {1'b0, araddr[31:0]} + ((arlen + 33'd1) << BEAT_LOG2) <= {1'b0, window_bytes};

    always @(posedge aclk)
        if (!aresetn) begin
            ar_head <= 0;
            ar_tail <= 0;
            r_count <= 0;
            r_next  <= 0;
            r_held  <= 1'b0;
        end else begin
            if (arvalid && arready) begin
                ar_word[ar_tail & (QUEUE - 1)]  <= araddr[31:0] >> BEAT_LOG2;
                ar_cycle[ar_tail & (QUEUE - 1)] <= now;
                ar_info[ar_tail & (QUEUE - 1)]  <= {!ar_inside, arid, arlen};
                ar_tail <= ar_tail + 1;
            end
            r_held <= rvalid && !rready;
            if (r_take) begin
                r_next  <= now + period;
                r_count <= rlast ? 9'd0 : r_count + 9'd1;
                if (rlast) ar_head <= ar_head + 1;
            end
        end

    // ---------------------------------------------------------------- write
    reg [31:0]           aw_word [0:QUEUE-1];
    reg [9+ID_WIDTH:0]   aw_info [0:QUEUE-1];    // error, outside the window, id, length
    reg [31:0]           b_due   [0:QUEUE-1];
    reg [31:0]           aw_head, aw_tail, b_head;  // b_head <= aw_head <= aw_tail
    reg [8:0]            w_count;
    reg [31:0]           w_next;
    reg                  b_held;

    wire [31:0]         aw_slot   = aw_head & (QUEUE - 1);
    wire [9+ID_WIDTH:0] w_info    = aw_info[aw_slot];
    wire [31:0]         w_word    = aw_word[aw_slot] + w_count;
    wire                w_outside = w_info[8+ID_WIDTH];
    wire                w_last    = w_count == {1'b0, w_info[7:0]};
    wire [31:0]         b_slot    = b_head & (QUEUE - 1);
    wire [9+ID_WIDTH:0] b_info    = aw_info[b_slot];
    wire w_take = wvalid && wready;

    assign awready = aresetn && !stall_aw;
    assign wready  = aresetn && aw_head != aw_tail && now >= w_next && !stall_w;
    assign bvalid  = aresetn && b_head != aw_head && now >= b_due[b_slot] && (!stall_b || b_held);
    assign bid     = bvalid ? b_info[8 +: ID_WIDTH] : {ID_WIDTH{1'b0}};
    assign bresp   = !bvalid ? OKAY : b_info[8+ID_WIDTH] ? DECERR : b_info[9+ID_WIDTH] ? SLVERR : OKAY;

    wire aw_inside = awaddr[63:32] == 0
                   && {1'b0, awaddr[31:0]} + ((awlen + 33'd1) << BEAT_LOG2) <= {1'b0, window_bytes};
    wire aw_error  = write_error_enable
                   && (write_error_address >> BEAT_LOG2) >= (awaddr[31:0] >> BEAT_LOG2)
                   && (write_error_address >> BEAT_LOG2) <= (awaddr[31:0] >> BEAT_LOG2) + awlen;

    wire [8*BEAT_BYTES-1:0] w_mask;
    genvar g;
    generate
        for (g = 0; g < BEAT_BYTES; g = g + 1) begin : mask
            assign w_mask[8*g +: 8] = {8{wstrb[g]}};
        end
    endgenerate

    always @(posedge aclk)
        if (!aresetn) begin
            aw_head <= 0;
            aw_tail <= 0;
            b_head  <= 0;
            w_count <= 0;
            w_next  <= 0;
            b_held  <= 1'b0;
        end else begin
            if (awvalid && awready) begin
                aw_word[aw_tail & (QUEUE - 1)] <= awaddr[31:0] >> BEAT_LOG2;
                aw_info[aw_tail & (QUEUE - 1)] <= {aw_error, !aw_inside, awid, awlen};
                aw_tail <= aw_tail + 1;
            end
            if (w_take) begin
                if (!w_outside)
                    memory[w_word] <= (memory[w_word] & ~w_mask) | (wdata & w_mask);
                w_next  <= now + period;
                w_count <= w_last ? 9'd0 : w_count + 9'd1;
                if (w_last) begin
                    b_due[aw_slot] <= now + latency;
                    aw_head <= aw_head + 1;
                end
            end
            b_held <= bvalid && !bready;
            if (bvalid && bready) b_head <= b_head + 1;
        end

    // ---------------------------------------------------------------- checks
    reg [NUM_ERRORS-1:0] reported;
    reg [31:0] b_word;

    task check_failed;
        input integer kind;
        begin
            if (kind == ERROR_ORDER) ordering_errors = ordering_errors + 1;
            else protocol_errors = protocol_errors + 1;
            if (!reported[kind]) begin
                reported[kind] = 1'b1;
                case (kind)
                    ERROR_AR_BURST:  $display("naas_dram: cycle %0d: a read burst must be INCR of %0d bytes a beat, not type %0d size %0d", now, BEAT_BYTES, arburst, arsize);
                    ERROR_AW_BURST:  $display("naas_dram: cycle %0d: a write burst must be INCR of %0d bytes a beat, not type %0d size %0d", now, BEAT_BYTES, awburst, awsize);
                    ERROR_AR_4K:     $display("naas_dram: cycle %0d: a read burst must stay within 4 KiB, not address %h length %0d", now, araddr, arlen);
                    ERROR_AW_4K:     $display("naas_dram: cycle %0d: a write burst must stay within 4 KiB, not address %h length %0d", now, awaddr, awlen);
                    ERROR_AR_WINDOW: $display("naas_dram: cycle %0d: a read must lie within %0d bytes, not address %h length %0d", now, window_bytes, araddr, arlen);
                    ERROR_AW_WINDOW: $display("naas_dram: cycle %0d: a write must lie within %0d bytes, not address %h length %0d", now, window_bytes, awaddr, awlen);
                    ERROR_AR_ALIGN:  $display("naas_dram: cycle %0d: a read address must be a multiple of %0d, not %h", now, BEAT_BYTES, araddr);
                    ERROR_AW_ALIGN:  $display("naas_dram: cycle %0d: a write address must be a multiple of %0d, not %h", now, BEAT_BYTES, awaddr);
                    ERROR_WLAST:     $display("naas_dram: cycle %0d: WLAST must be %b in beat %0d of a burst of length %0d, not %b", now, w_last, w_count, w_info[7:0], wlast);
                    ERROR_AR_STABLE: $display("naas_dram: cycle %0d: AR must hold until ARREADY", now);
                    ERROR_AW_STABLE: $display("naas_dram: cycle %0d: AW must hold until AWREADY", now);
                    ERROR_W_STABLE:  $display("naas_dram: cycle %0d: W must hold until WREADY", now);
                    ERROR_X:         $display("naas_dram: cycle %0d: AWVALID WVALID BREADY ARVALID RREADY must be 0 or 1, not %b%b%b%b%b", now, awvalid, wvalid, bready, arvalid, rready);
                    ERROR_AR_QUEUE:  $display("naas_dram: cycle %0d: more than %0d read bursts outstanding", now, QUEUE - 1);
                    ERROR_AW_QUEUE:  $display("naas_dram: cycle %0d: more than %0d write bursts outstanding", now, QUEUE - 1);
                    ERROR_ORDER:     $display("naas_dram: cycle %0d: beat at %h read with an address of cycle %0d, not after the response of its write", now, r_word << BEAT_LOG2, r_accept);
                    default:         $display("naas_dram: cycle %0d: check %0d failed", now, kind);
                endcase
            end
        end
    endtask

    // What waited in the cycle before has to be there still.
    localparam ADDRESS_BITS = ID_WIDTH + 64 + 8 + 3 + 2;
    localparam DATA_BITS    = 9 * BEAT_BYTES + 1;
    reg                    ar_waits, aw_waits, w_waits;
    reg [ADDRESS_BITS-1:0] ar_before, aw_before;
    reg [DATA_BITS-1:0]    w_before;
    wire [ADDRESS_BITS-1:0] ar_payload = {arid, araddr, arlen, arsize, arburst};
    wire [ADDRESS_BITS-1:0] aw_payload = {awid, awaddr, awlen, awsize, awburst};
    wire [DATA_BITS-1:0]    w_payload  = {wdata, wstrb, wlast};

    initial begin
        protocol_errors = 0;
        ordering_errors = 0;
        rready_low      = 0;
        reported        = 0;
    end

    always @(posedge aclk)
        if (!aresetn) begin
            ar_waits <= 1'b0;
            aw_waits <= 1'b0;
            w_waits  <= 1'b0;
        end else begin
            ar_waits  <= arvalid && !arready;
            aw_waits  <= awvalid && !awready;
            w_waits   <= wvalid && !wready;
            ar_before <= ar_payload;
            aw_before <= aw_payload;
            w_before  <= w_payload;
            if (ar_waits && (!arvalid || ar_payload !== ar_before)) check_failed(ERROR_AR_STABLE);
            if (aw_waits && (!awvalid || aw_payload !== aw_before)) check_failed(ERROR_AW_STABLE);
            if (w_waits  && (!wvalid  || w_payload  !== w_before))  check_failed(ERROR_W_STABLE);
            if ((^{awvalid, wvalid, bready, arvalid, rready}) === 1'bx) check_failed(ERROR_X);

            if (arvalid && arready) begin
                if (arburst != INCR || arsize != BEAT_LOG2) check_failed(ERROR_AR_BURST);
                if (araddr[11:0] + ((arlen + 14'd1) << BEAT_LOG2) > 14'd4096) check_failed(ERROR_AR_4K);
                if (!ar_inside) check_failed(ERROR_AR_WINDOW);
                if ((araddr & (BEAT_BYTES - 1)) != 0) check_failed(ERROR_AR_ALIGN);
                if (ar_tail - ar_head >= QUEUE - 1) check_failed(ERROR_AR_QUEUE);
            end
            if (awvalid && awready) begin
                if (awburst != INCR || awsize != BEAT_LOG2) check_failed(ERROR_AW_BURST);
                if (awaddr[11:0] + ((awlen + 14'd1) << BEAT_LOG2) > 14'd4096) check_failed(ERROR_AW_4K);
                if (!aw_inside) check_failed(ERROR_AW_WINDOW);
                if ((awaddr & (BEAT_BYTES - 1)) != 0) check_failed(ERROR_AW_ALIGN);
                if (aw_tail - b_head >= QUEUE - 1) check_failed(ERROR_AW_QUEUE);
            end
            if (w_take && wlast !== w_last) check_failed(ERROR_WLAST);

            if (rvalid && !rready) rready_low = rready_low + 1;
            // Order: read the stamps before this cycle's write changes them.
            if (r_take && !r_outside)
                if (!(r_accept > visible[r_word])) check_failed(ERROR_ORDER);
            if (bvalid && bready && !b_info[8+ID_WIDTH])
                for (b_word = 0; b_word <= b_info[7:0]; b_word = b_word + 1)
                    if (visible[aw_word[b_slot] + b_word] === PENDING)
                        visible[aw_word[b_slot] + b_word] = now;
            if (w_take && !w_outside && wstrb != 0) visible[w_word] = PENDING;
        end
endmodule

`default_nettype wire
