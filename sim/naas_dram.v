// SPDX-License-Identifier: 0BSD
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
// naas_axi_check watches all five channels; its errors are part of `protocol_errors`.
//
// Plusargs
//   +latency=N +period=N             timing of this run
//   +dram_bytes=N                    window of legal addresses, at most SIZE_BYTES (the default)
//   +dram_base=HEX                   address where the window begins, a multiple of 4 KiB, 0 without
//                                    it; beats and addresses given here count from there
//   +dram_image=PATH                 $readmemh at time 0: a beat a line, byte 0 least significant
//   +dram_binary=PATH                the same with $fread: bytes of a beat in falling order; faster
//   +dram_result=PATH                where a rising edge of `dump` writes memory, with $writememh:
//   +dump_first=N +dump_last=N       beats N to N of it; all of the window without them
//   +stall_seed=N +stall_percent=P   each valid and ready of this side is low in P % of all cycles
//   +read_error_address=HEX          SLVERR on every beat that contains the address
//   +write_error_address=HEX         SLVERR for every burst that contains the address
//
// Plusargs that allow other handshakes of AXI4; without them the timing is the one above
//   +ar_ready=N +aw_ready=N +w_ready=N   0: READY does not look at VALID; else READY is high from
//                                    the Nth cycle of its VALID on, and low without VALID
//   +aw_needs_w=N                    AWREADY is high only 1: when the first beat of the burst is
//                                    offered or taken; 2: when all beats of the burst are taken
//   +w_needs_aw=N                    a beat is taken only 0: after its AW was accepted; 1: when its
//                                    AW is offered or accepted; 2: at any time
//   +w_ahead=N                       beats that may be taken before their AW, at most AHEAD
//   +max_reads=N +max_writes=N       outstanding bursts
//   +one_direction=1                 reads and writes are never outstanding together
//   +r_latency=N +b_latency=N        instead of +latency
//   +r_period=N +w_period=N          instead of +period
//   +ar_stall=P, and so on           instead of +stall_percent, for ar, aw, w, r, b
//   +r_window=N +r_open=N            R begins only in the first r_open of each r_window cycles, so
//   +b_window=N +b_open=N            responses are late and come together; the same for B

`default_nettype none

module naas_dram #(
    parameter BEAT_BYTES = 8,        // 4, 8, 16, 32
    parameter LATENCY    = 1,        // >= 1
    parameter PERIOD     = 1,        // >= 1
    parameter SIZE_BYTES = 65536,    // storage, a multiple of BEAT_BYTES
    parameter QUEUE      = 65536,    // outstanding bursts per direction, a power of two
    parameter AHEAD      = 512,      // beats of data before their address, a power of two
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
    output wire [31:0]               protocol_errors,
    output reg  [31:0]               ordering_errors,
    output reg  [31:0]               rready_low
);
    localparam WORDS     = SIZE_BYTES / BEAT_BYTES;
    localparam BEAT_LOG2 = (BEAT_BYTES == 4) ? 2 : (BEAT_BYTES == 8) ? 3 : (BEAT_BYTES == 16) ? 4 : 5;
    localparam [1:0] OKAY = 2'b00, SLVERR = 2'b10, DECERR = 2'b11;
    localparam [31:0] PENDING = 32'hffffffff;

    localparam ERROR_AR_WINDOW = 0, ERROR_AW_WINDOW = 1, ERROR_AR_ALIGN = 2, ERROR_AW_ALIGN = 3,
               ERROR_ORDER     = 4, NUM_ERRORS      = 5;

    // ---------------------------------------------------------------- settings of this run
    reg [31:0]     latency, period, window_bytes, stall_percent;
    reg [31:0]     ar_ready, aw_ready, w_ready, aw_needs_w, w_needs_aw, w_ahead;
    reg [31:0]     max_reads, max_writes, one_direction;
    reg [31:0]     r_latency, b_latency, r_period, w_period;
    reg [31:0]     ar_stall, aw_stall, w_stall, r_stall, b_stall;
    reg [31:0]     r_window, r_open, b_window, b_open;
    reg [63:0]     stall_seed, base;
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
        base          = 64'd0;
        read_error_address  = 0;
        write_error_address = 0;
        if ($value$plusargs("latency=%d", latency)) begin end
        if ($value$plusargs("period=%d", period)) begin end
        if ($value$plusargs("dram_bytes=%d", window_bytes)) begin end
        if ($value$plusargs("dram_base=%h", base)) begin end
        if ($value$plusargs("stall_percent=%d", stall_percent)) begin end
        if ($value$plusargs("stall_seed=%d", stall_seed)) begin end
        ar_ready = 0;           if ($value$plusargs("ar_ready=%d", ar_ready)) begin end
        aw_ready = 0;           if ($value$plusargs("aw_ready=%d", aw_ready)) begin end
        w_ready = 0;            if ($value$plusargs("w_ready=%d", w_ready)) begin end
        aw_needs_w = 0;         if ($value$plusargs("aw_needs_w=%d", aw_needs_w)) begin end
        w_needs_aw = 0;         if ($value$plusargs("w_needs_aw=%d", w_needs_aw)) begin end
        w_ahead = AHEAD;        if ($value$plusargs("w_ahead=%d", w_ahead)) begin end
        max_reads = QUEUE;      if ($value$plusargs("max_reads=%d", max_reads)) begin end
        max_writes = QUEUE;     if ($value$plusargs("max_writes=%d", max_writes)) begin end
        one_direction = 0;      if ($value$plusargs("one_direction=%d", one_direction)) begin end
        r_latency = latency;    if ($value$plusargs("r_latency=%d", r_latency)) begin end
        b_latency = latency;    if ($value$plusargs("b_latency=%d", b_latency)) begin end
        r_period = period;      if ($value$plusargs("r_period=%d", r_period)) begin end
        w_period = period;      if ($value$plusargs("w_period=%d", w_period)) begin end
        ar_stall = stall_percent; if ($value$plusargs("ar_stall=%d", ar_stall)) begin end
        aw_stall = stall_percent; if ($value$plusargs("aw_stall=%d", aw_stall)) begin end
        w_stall = stall_percent;  if ($value$plusargs("w_stall=%d", w_stall)) begin end
        r_stall = stall_percent;  if ($value$plusargs("r_stall=%d", r_stall)) begin end
        b_stall = stall_percent;  if ($value$plusargs("b_stall=%d", b_stall)) begin end
        r_window = 1;           if ($value$plusargs("r_window=%d", r_window)) begin end
        r_open = r_window;      if ($value$plusargs("r_open=%d", r_open)) begin end
        b_window = 1;           if ($value$plusargs("b_window=%d", b_window)) begin end
        b_open = b_window;      if ($value$plusargs("b_open=%d", b_open)) begin end
        if (w_ahead > AHEAD || (aw_needs_w == 2 && (w_needs_aw == 0 || w_ahead < 256))) begin
            $display("naas_dram: w_ahead must be at most %0d, and a memory that takes data before their address must take 256 beats, not w_ahead %0d aw_needs_w %0d w_needs_aw %0d",
                     AHEAD, w_ahead, aw_needs_w, w_needs_aw);
            $finish;
        end
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
    wire [31:0] ar_threshold = ar_stall * 4096 / 100;
    wire [31:0] aw_threshold = aw_stall * 4096 / 100;
    wire [31:0] w_threshold  = w_stall  * 4096 / 100;
    wire [31:0] r_threshold  = r_stall  * 4096 / 100;
    wire [31:0] b_threshold  = b_stall  * 4096 / 100;
    wire stall_ar = random_state[11:0]  < ar_threshold;
    wire stall_aw = random_state[23:12] < aw_threshold;
    wire stall_w  = random_state[35:24] < w_threshold;
    wire stall_r  = random_state[47:36] < r_threshold;
    wire stall_b  = random_state[59:48] < b_threshold;
    wire turn     = random_state[60];            // whose turn it is, where only one can be
    wire no_read, no_write;                      // none is outstanding
    reg [31:0] r_phase, b_phase;

    always @(posedge aclk)
        if (!aresetn) begin
            now          <= 32'd1;
            random_state <= (stall_seed + 64'd1) * 64'h9e3779b97f4a7c15 | 64'd1;
            r_phase      <= 32'd0;
            b_phase      <= 32'd0;
        end else begin
            now          <= now + 32'd1;
            random_state <= random_3;
            r_phase      <= r_phase + 1 >= r_window ? 32'd0 : r_phase + 1;
            b_phase      <= b_phase + 1 >= b_window ? 32'd0 : b_phase + 1;
        end

    // ---------------------------------------------------------------- read
    reg [31:0]         ar_word  [0:QUEUE-1];
    reg [31:0]         ar_cycle [0:QUEUE-1];
    reg [8+ID_WIDTH:0] ar_info  [0:QUEUE-1];     // outside the window, id, length
    reg [31:0]         ar_head, ar_tail;
    reg [8:0]          r_count;
    reg [31:0]         r_next;
    reg                r_held;
    reg [31:0]         ar_waited;                // cycles for which ARVALID has waited

    wire [31:0]         ar_slot   = ar_head & (QUEUE - 1);
    wire [8+ID_WIDTH:0] r_info    = ar_info[ar_slot];
    wire [31:0]         r_accept  = ar_cycle[ar_slot];
    wire [31:0]         r_word    = ar_word[ar_slot] + r_count;
    wire                r_outside = r_info[8+ID_WIDTH];
    wire r_due  = ar_head != ar_tail && now >= r_accept + r_latency && now >= r_next;
    wire r_take = rvalid && rready;
    wire ar_turn = one_direction == 0 || (turn && no_write);

    assign arready = aresetn && !stall_ar && ar_turn && ar_tail - ar_head < max_reads
                   && (ar_ready == 0 || (arvalid && ar_waited + 1 >= ar_ready));
    assign rvalid  = aresetn && r_due && ((!stall_r && r_phase < r_open) || r_held);
    assign rlast   = rvalid && r_count == {1'b0, r_info[7:0]};
    assign rid     = rvalid ? r_info[8 +: ID_WIDTH] : {ID_WIDTH{1'b0}};
    assign rdata   = rvalid && !r_outside ? memory[r_word] : {BEAT_BYTES{8'ha5}};
    assign rresp   = !rvalid ? OKAY : r_outside ? DECERR
                   : read_error_enable && r_word == read_error_address >> BEAT_LOG2 ? SLVERR : OKAY;

    wire [63:0] ar_offset = araddr - base;
    wire ar_inside = ar_offset[63:32] == 0
                   && {1'b0, ar_offset[31:0]} + ((arlen + 33'd1) << BEAT_LOG2) <= {1'b0, window_bytes};

    always @(posedge aclk)
        if (!aresetn) begin
            ar_head <= 0;
            ar_tail <= 0;
            r_count <= 0;
            r_next  <= 0;
            r_held  <= 1'b0;
            ar_waited <= 0;
        end else begin
            ar_waited <= arvalid && !arready ? ar_waited + 1 : 32'd0;
            if (arvalid && arready) begin
                ar_word[ar_tail & (QUEUE - 1)]  <= ar_offset[31:0] >> BEAT_LOG2;
                ar_cycle[ar_tail & (QUEUE - 1)] <= now;
                ar_info[ar_tail & (QUEUE - 1)]  <= {!ar_inside, arid, arlen};
                ar_tail <= ar_tail + 1;
            end
            r_held <= rvalid && !rready;
            if (r_take) begin
                r_next  <= now + r_period;
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
    reg [31:0]           aw_waited, w_waited;
    // Beats that were taken before their address, and which burst the next beat belongs to.
    reg [8*BEAT_BYTES-1:0] ahead_data [0:AHEAD-1];
    reg [BEAT_BYTES-1:0]   ahead_strb [0:AHEAD-1];
    reg [31:0]             ahead_head, ahead_tail, w_burst;
    reg                    w_begun;

    wire [31:0]         aw_slot   = aw_head & (QUEUE - 1);
    wire [9+ID_WIDTH:0] w_info    = aw_info[aw_slot];
    wire [31:0]         w_word    = aw_word[aw_slot] + w_count;
    wire                w_outside = w_info[8+ID_WIDTH];
    wire                w_last    = w_count == {1'b0, w_info[7:0]};
    wire [31:0]         b_slot    = b_head & (QUEUE - 1);
    wire [9+ID_WIDTH:0] b_info    = aw_info[b_slot];
    wire w_take = wvalid && wready;

    assign no_write = aw_tail == b_head;
    assign no_read  = ar_tail == ar_head;
    wire aw_turn   = one_direction == 0 || (!turn && no_read);
    wire aw_has_w  = aw_needs_w == 0 || $signed(w_burst - aw_tail) > 0
                   || (aw_needs_w == 1 && w_burst == aw_tail && (wvalid || w_begun));
    wire addressed = aw_head != aw_tail;
    wire ahead     = ahead_head != ahead_tail;
    wire w_has_aw  = w_needs_aw == 0 ? addressed && !ahead
                   : w_needs_aw == 1 ? $signed(aw_tail - w_burst) > 0 || (aw_tail == w_burst && awvalid)
                   : 1'b1;
    wire w_room    = (addressed && !ahead) || ahead_tail - ahead_head < w_ahead;

    assign awready = aresetn && !stall_aw && aw_turn && aw_has_w && aw_tail - b_head < max_writes
                   && (aw_ready == 0 || (awvalid && aw_waited + 1 >= aw_ready));
    assign wready  = aresetn && w_has_aw && w_room && now >= w_next && !stall_w
                   && (w_ready == 0 || (wvalid && w_waited + 1 >= w_ready));
    assign bvalid  = aresetn && b_head != aw_head && now >= b_due[b_slot]
                   && ((!stall_b && b_phase < b_open) || b_held);

    // A beat is written when it is taken, or when its address is known.
    wire                    put      = addressed && (ahead || w_take);
    wire [8*BEAT_BYTES-1:0] put_data = ahead ? ahead_data[ahead_head & (AHEAD - 1)] : wdata;
    wire [BEAT_BYTES-1:0]   put_strb = ahead ? ahead_strb[ahead_head & (AHEAD - 1)] : wstrb;
    assign bid     = bvalid ? b_info[8 +: ID_WIDTH] : {ID_WIDTH{1'b0}};
    assign bresp   = !bvalid ? OKAY : b_info[8+ID_WIDTH] ? DECERR : b_info[9+ID_WIDTH] ? SLVERR : OKAY;

    wire [63:0] aw_offset = awaddr - base;
    wire aw_inside = aw_offset[63:32] == 0
                   && {1'b0, aw_offset[31:0]} + ((awlen + 33'd1) << BEAT_LOG2) <= {1'b0, window_bytes};
    wire aw_error  = write_error_enable
                   && (write_error_address >> BEAT_LOG2) >= (aw_offset[31:0] >> BEAT_LOG2)
                   && (write_error_address >> BEAT_LOG2) <= (aw_offset[31:0] >> BEAT_LOG2) + awlen;

    wire [8*BEAT_BYTES-1:0] w_mask;
    genvar g;
    generate
        for (g = 0; g < BEAT_BYTES; g = g + 1) begin : mask
            assign w_mask[8*g +: 8] = {8{put_strb[g]}};
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
            aw_waited  <= 0;
            w_waited   <= 0;
            ahead_head <= 0;
            ahead_tail <= 0;
            w_burst    <= 0;
            w_begun    <= 1'b0;
        end else begin
            aw_waited <= awvalid && !awready ? aw_waited + 1 : 32'd0;
            w_waited  <= wvalid && !wready ? w_waited + 1 : 32'd0;
            if (awvalid && awready) begin
                aw_word[aw_tail & (QUEUE - 1)] <= aw_offset[31:0] >> BEAT_LOG2;
                aw_info[aw_tail & (QUEUE - 1)] <= {aw_error, !aw_inside, awid, awlen};
                aw_tail <= aw_tail + 1;
            end
            if (w_take) begin
                w_next  <= now + w_period;
                w_begun <= !wlast;
                if (wlast) w_burst <= w_burst + 1;
                if (ahead || !addressed) begin
                    ahead_data[ahead_tail & (AHEAD - 1)] <= wdata;
                    ahead_strb[ahead_tail & (AHEAD - 1)] <= wstrb;
                    ahead_tail <= ahead_tail + 1;
                end
            end
            if (put) begin
                if (!w_outside)
                    memory[w_word] <= (memory[w_word] & ~w_mask) | (put_data & w_mask);
                if (ahead) ahead_head <= ahead_head + 1;
                w_count <= w_last ? 9'd0 : w_count + 9'd1;
                if (w_last) begin
                    b_due[aw_slot] <= now + b_latency;
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
            else own_errors = own_errors + 1;
            if (!reported[kind]) begin
                reported[kind] = 1'b1;
                case (kind)
                    ERROR_AR_WINDOW: $display("naas_dram: cycle %0d: a read must lie within %0d bytes from %h on, not address %h length %0d", now, window_bytes, base, araddr, arlen);
                    ERROR_AW_WINDOW: $display("naas_dram: cycle %0d: a write must lie within %0d bytes from %h on, not address %h length %0d", now, window_bytes, base, awaddr, awlen);
                    ERROR_AR_ALIGN:  $display("naas_dram: cycle %0d: a read address must be a multiple of %0d, not %h", now, BEAT_BYTES, araddr);
                    ERROR_AW_ALIGN:  $display("naas_dram: cycle %0d: a write address must be a multiple of %0d, not %h", now, BEAT_BYTES, awaddr);
                    ERROR_ORDER:     $display("naas_dram: cycle %0d: beat at %h read with an address of cycle %0d, not after the response of its write", now, r_word << BEAT_LOG2, r_accept);
                    default:         $display("naas_dram: cycle %0d: check %0d failed", now, kind);
                endcase
            end
        end
    endtask

    reg  [31:0] own_errors;
    wire [31:0] check_errors;
    assign protocol_errors = own_errors + check_errors;

    naas_axi_check #(.BEAT_BYTES(BEAT_BYTES), .QUEUE(QUEUE), .ID_WIDTH(ID_WIDTH)) check (
        .aclk(aclk), .aresetn(aresetn),
        .awid(awid), .awaddr(awaddr), .awlen(awlen), .awsize(awsize), .awburst(awburst),
        .awvalid(awvalid), .awready(awready),
        .wdata(wdata), .wstrb(wstrb), .wlast(wlast), .wvalid(wvalid), .wready(wready),
        .bid(bid), .bresp(bresp), .bvalid(bvalid), .bready(bready),
        .arid(arid), .araddr(araddr), .arlen(arlen), .arsize(arsize), .arburst(arburst),
        .arvalid(arvalid), .arready(arready),
        .rid(rid), .rdata(rdata), .rresp(rresp), .rlast(rlast), .rvalid(rvalid), .rready(rready),
        .errors(check_errors)
    );

    initial begin
        own_errors      = 0;
        ordering_errors = 0;
        rready_low      = 0;
        reported        = 0;
    end

    always @(posedge aclk)
        if (aresetn) begin
            if (arvalid && arready) begin
                if (!ar_inside) check_failed(ERROR_AR_WINDOW);
                if ((araddr & (BEAT_BYTES - 1)) != 0) check_failed(ERROR_AR_ALIGN);
            end
            if (awvalid && awready) begin
                if (!aw_inside) check_failed(ERROR_AW_WINDOW);
                if ((awaddr & (BEAT_BYTES - 1)) != 0) check_failed(ERROR_AW_ALIGN);
            end

            if (rvalid && !rready) rready_low = rready_low + 1;
            // Order: read the stamps before this cycle's write changes them.
            if (r_take && !r_outside)
                if (!(r_accept > visible[r_word])) check_failed(ERROR_ORDER);
            if (bvalid && bready && !b_info[8+ID_WIDTH])
                for (b_word = 0; b_word <= b_info[7:0]; b_word = b_word + 1)
                    if (visible[aw_word[b_slot] + b_word] === PENDING)
                        visible[aw_word[b_slot] + b_word] = now;
            if (put && !w_outside && put_strb != 0) visible[w_word] = PENDING;
        end
endmodule

`default_nettype wire
