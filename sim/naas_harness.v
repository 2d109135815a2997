// What stands around the accelerator in a simulation: memory, monitors, counters.
//
// The bench in Python drives the clock, the reset and the AXI4-Lite port, and sleeps while a layer
// runs; whatever has to happen in every cycle happens here.
//
// cycle 1 is the one in which `dut.probe_start` is high; `end_cycle` is the first cycle in which
// `interrupt` is high. All counters count from cycle 0 on and start anew with every start.
//
// The accelerator has, beside its ports, these wires in its top module:
//   probe_start          1 bit; high in the cycle after the write of 1 to register 0 is accepted
//   probe_events         NUM_EVENTS bits, a strobe for each kind of event
//   probe_l2             NUM_L2 bits, a strobe for each kind of access to the global buffer
//   probe_weight_writes  a strobe for each weight buffer      (any width)
//   probe_input_writes   a strobe for each input buffer       (any width)
//   probe_weight_reads   the same for reads                   (any width)
//   probe_input_reads                                         (any width)
//   probe_macs           a strobe for each multiplier         (any width)
//   probe_accumulator_reads, probe_accumulator_writes
//                        a strobe for each number that can be read or written in a cycle (any width)
//
// Macro NAAS_TOP: name of the accelerator's module. Macro NAAS_NETLIST: name of a module that has to
// do the same in every cycle (naas_lockstep).
// Plusargs: those of naas_dram, and
//   +cycle_limit=N   the run counts as hung when cycle N is over and no interrupt came (0: never)
//   +idle_limit=N    or when for N cycles nothing has moved: no handshake with memory, no event, no
//                    access to the global buffer, no product (0: never)
//   +event_log=PATH  a line "<cycle> <bit>" for every event strobe, and "0 -1" for every start
//   +waves=PATH      dump waves (Icarus; Verilator's are switched by its own argument)

`default_nettype none

`ifndef NAAS_TOP
`define NAAS_TOP naas_accelerator
`endif

module naas_harness #(
    parameter BEAT_BYTES = 8,
    parameter DRAM_BYTES = 65536,
    parameter NUM_EVENTS = 1,
    parameter NUM_L2     = 1
);
    // ---------------------------------------------------------------- driven by the bench
    reg         aclk            /*verilator public_flat_rw*/;
    reg         aresetn         /*verilator public_flat_rw*/;
    reg         core_aresetn    /*verilator public_flat_rw*/;  // of the accelerator alone
    reg         dump            /*verilator public_flat_rw*/;
    reg  [11:0] s_axil_awaddr   /*verilator public_flat_rw*/;
    reg  [2:0]  s_axil_awprot   /*verilator public_flat_rw*/;
    reg         s_axil_awvalid  /*verilator public_flat_rw*/;
    wire        s_axil_awready  /*verilator public_flat_rd*/;
    reg  [31:0] s_axil_wdata    /*verilator public_flat_rw*/;
    reg  [3:0]  s_axil_wstrb    /*verilator public_flat_rw*/;
    reg         s_axil_wvalid   /*verilator public_flat_rw*/;
    wire        s_axil_wready   /*verilator public_flat_rd*/;
    wire [1:0]  s_axil_bresp    /*verilator public_flat_rd*/;
    wire        s_axil_bvalid   /*verilator public_flat_rd*/;
    reg         s_axil_bready   /*verilator public_flat_rw*/;
    reg  [11:0] s_axil_araddr   /*verilator public_flat_rw*/;
    reg  [2:0]  s_axil_arprot   /*verilator public_flat_rw*/;
    reg         s_axil_arvalid  /*verilator public_flat_rw*/;
    wire        s_axil_arready  /*verilator public_flat_rd*/;
    wire [31:0] s_axil_rdata    /*verilator public_flat_rd*/;
    wire [1:0]  s_axil_rresp    /*verilator public_flat_rd*/;
    wire        s_axil_rvalid   /*verilator public_flat_rd*/;
    reg         s_axil_rready   /*verilator public_flat_rw*/;

    reg  [63:0] range_first     /*verilator public_flat_rw*/;  // bytes that may be written
    reg  [63:0] range_last      /*verilator public_flat_rw*/;

    // ---------------------------------------------------------------- read by the bench
    wire        interrupt       /*verilator public_flat_rd*/;
    wire        quiet           /*verilator public_flat_rd*/;  // nothing is under way to memory
    reg         started         /*verilator public_flat_rd*/;
    reg  [31:0] num_starts      /*verilator public_flat_rd*/;  // resets do not clear it
    reg         finished        /*verilator public_flat_rd*/;
    reg         hang            /*verilator public_flat_rd*/;
    reg  [63:0] end_cycle       /*verilator public_flat_rd*/;
    reg  [63:0] dram_read_beats      /*verilator public_flat_rd*/;
    reg  [63:0] dram_write_beats     /*verilator public_flat_rd*/;
    reg  [63:0] dram_read_bursts     /*verilator public_flat_rd*/;
    reg  [63:0] dram_write_bursts    /*verilator public_flat_rd*/;
    reg  [63:0] weight_buffer_writes /*verilator public_flat_rd*/;
    reg  [63:0] input_buffer_writes  /*verilator public_flat_rd*/;
    reg  [63:0] weight_buffer_reads  /*verilator public_flat_rd*/;
    reg  [63:0] input_buffer_reads   /*verilator public_flat_rd*/;
    reg  [63:0] accumulator_reads    /*verilator public_flat_rd*/;
    reg  [63:0] accumulator_writes   /*verilator public_flat_rd*/;
    reg  [63:0] macs                 /*verilator public_flat_rd*/;
    wire [64*NUM_L2-1:0] l2_accesses /*verilator public_flat_rd*/;  // 64 bits a kind, kind 0 lowest
    wire [31:0] protocol_errors      /*verilator public_flat_rd*/;  // of both, and of a netlist
    wire [31:0] ordering_errors      /*verilator public_flat_rd*/;
    wire [31:0] rready_low           /*verilator public_flat_rd*/;
    wire [31:0] writes_outside       /*verilator public_flat_rd*/;  // resets do not clear it

    initial begin
        num_starts     = 32'd0;
        aclk           = 1'b0;
        aresetn        = 1'b0;
        core_aresetn   = 1'b1;
        dump           = 1'b0;
        s_axil_awaddr  = 12'd0;
        s_axil_awprot  = 3'd0;
        s_axil_awvalid = 1'b0;
        s_axil_wdata   = 32'd0;
        s_axil_wstrb   = 4'hf;
        s_axil_wvalid  = 1'b0;
        s_axil_bready  = 1'b0;
        s_axil_araddr  = 12'd0;
        s_axil_arprot  = 3'd0;
        s_axil_arvalid = 1'b0;
        s_axil_rready  = 1'b0;
        range_first    = 64'd0;
        range_last     = {64{1'b1}};
    end

    // ---------------------------------------------------------------- accelerator and memory
    wire                    awid, awvalid, awready, awlock, wlast, wvalid, wready;
    wire                    bid, bvalid, bready;
    wire                    arid, arvalid, arready, arlock, rid, rlast, rvalid, rready;
    wire [63:0]             awaddr, araddr;
    wire [7:0]              awlen, arlen;
    wire [2:0]              awsize, arsize, awprot, arprot;
    wire [1:0]              awburst, arburst, bresp, rresp;
    wire [3:0]              awcache, arcache;
    wire [8*BEAT_BYTES-1:0] wdata, rdata;
    wire [BEAT_BYTES-1:0]   wstrb;
    wire [31:0]             memory_errors, register_errors;
    wire                    core_awid, core_awvalid, core_awready, core_wlast, core_wvalid;
    wire                    core_wready, core_bvalid, core_bready, core_arid, core_arvalid;
    wire                    core_arready, core_rvalid, core_rready;
    wire [63:0]             core_awaddr, core_araddr;
    wire [7:0]              core_awlen, core_arlen;
    wire [2:0]              core_awsize, core_arsize;
    wire [1:0]              core_awburst, core_arburst;
    wire [8*BEAT_BYTES-1:0] core_wdata;
    wire [BEAT_BYTES-1:0]   core_wstrb;

    `NAAS_TOP dut (
        .aclk(aclk), .aresetn(aresetn && core_aresetn), .interrupt(interrupt),
        .s_axil_awaddr(s_axil_awaddr), .s_axil_awprot(s_axil_awprot),
        .s_axil_awvalid(s_axil_awvalid), .s_axil_awready(s_axil_awready),
        .s_axil_wdata(s_axil_wdata), .s_axil_wstrb(s_axil_wstrb),
        .s_axil_wvalid(s_axil_wvalid), .s_axil_wready(s_axil_wready),
        .s_axil_bresp(s_axil_bresp), .s_axil_bvalid(s_axil_bvalid), .s_axil_bready(s_axil_bready),
        .s_axil_araddr(s_axil_araddr), .s_axil_arprot(s_axil_arprot),
        .s_axil_arvalid(s_axil_arvalid), .s_axil_arready(s_axil_arready),
        .s_axil_rdata(s_axil_rdata), .s_axil_rresp(s_axil_rresp),
        .s_axil_rvalid(s_axil_rvalid), .s_axil_rready(s_axil_rready),
        .m_axi_awid(core_awid), .m_axi_awaddr(core_awaddr), .m_axi_awlen(core_awlen), .m_axi_awsize(core_awsize),
        .m_axi_awburst(core_awburst), .m_axi_awlock(awlock), .m_axi_awcache(awcache),
        .m_axi_awprot(awprot), .m_axi_awvalid(core_awvalid), .m_axi_awready(core_awready),
        .m_axi_wdata(core_wdata), .m_axi_wstrb(core_wstrb), .m_axi_wlast(core_wlast), .m_axi_wvalid(core_wvalid),
        .m_axi_wready(core_wready),
        .m_axi_bid(bid), .m_axi_bresp(bresp), .m_axi_bvalid(core_bvalid), .m_axi_bready(core_bready),
        .m_axi_arid(core_arid), .m_axi_araddr(core_araddr), .m_axi_arlen(core_arlen), .m_axi_arsize(core_arsize),
        .m_axi_arburst(core_arburst), .m_axi_arlock(arlock), .m_axi_arcache(arcache),
        .m_axi_arprot(arprot), .m_axi_arvalid(core_arvalid), .m_axi_arready(core_arready),
        .m_axi_rid(rid), .m_axi_rdata(rdata), .m_axi_rresp(rresp), .m_axi_rlast(rlast),
        .m_axi_rvalid(core_rvalid), .m_axi_rready(core_rready)
    );

    naas_isolator #(.BEAT_BYTES(BEAT_BYTES)) isolator (
        .aclk(aclk), .aresetn(aresetn), .isolate(!core_aresetn), .quiet(quiet),
        .core_aw({core_awid, core_awaddr, core_awlen, core_awsize, core_awburst}),
        .core_awvalid(core_awvalid), .core_awready(core_awready),
        .core_w({core_wdata, core_wstrb, core_wlast}),
        .core_wvalid(core_wvalid), .core_wready(core_wready),
        .core_bvalid(core_bvalid), .core_bready(core_bready),
        .core_ar({core_arid, core_araddr, core_arlen, core_arsize, core_arburst}),
        .core_arvalid(core_arvalid), .core_arready(core_arready),
        .core_rvalid(core_rvalid), .core_rready(core_rready),
        .aw({awid, awaddr, awlen, awsize, awburst}), .awvalid(awvalid), .awready(awready),
        .w({wdata, wstrb, wlast}), .wvalid(wvalid), .wready(wready),
        .bvalid(bvalid), .bready(bready),
        .ar({arid, araddr, arlen, arsize, arburst}), .arvalid(arvalid), .arready(arready),
        .rvalid(rvalid), .rlast(rlast), .rready(rready)
    );

    naas_dram #(.BEAT_BYTES(BEAT_BYTES), .SIZE_BYTES(DRAM_BYTES)) dram (
        .aclk(aclk), .aresetn(aresetn),
        .awid(awid), .awaddr(awaddr), .awlen(awlen), .awsize(awsize), .awburst(awburst),
        .awvalid(awvalid), .awready(awready),
        .wdata(wdata), .wstrb(wstrb), .wlast(wlast), .wvalid(wvalid), .wready(wready),
        .bid(bid), .bresp(bresp), .bvalid(bvalid), .bready(bready),
        .arid(arid), .araddr(araddr), .arlen(arlen), .arsize(arsize), .arburst(arburst),
        .arvalid(arvalid), .arready(arready),
        .rid(rid), .rdata(rdata), .rresp(rresp), .rlast(rlast), .rvalid(rvalid), .rready(rready),
        .dump(dump), .protocol_errors(memory_errors), .ordering_errors(ordering_errors),
        .rready_low(rready_low)
    );

    naas_range_check #(.BEAT_BYTES(BEAT_BYTES)) range_check (
        .aclk(aclk), .aresetn(aresetn), .first(range_first), .last(range_last),
        .awaddr(awaddr - dram.base), .awvalid(awvalid), .awready(awready),
        .wstrb(wstrb), .wlast(wlast), .wvalid(wvalid), .wready(wready), .outside(writes_outside)
    );

    // AXI4-Lite is AXI4 with bursts of one beat.
    naas_axi_check #(.NAME("registers"), .BEAT_BYTES(4), .QUEUE(64)) check (
        .aclk(aclk), .aresetn(aresetn),
        .awid(1'b0), .awaddr({52'd0, s_axil_awaddr}), .awlen(8'd0), .awsize(3'd2), .awburst(2'b01),
        .awvalid(s_axil_awvalid), .awready(s_axil_awready),
        .wdata(s_axil_wdata), .wstrb(s_axil_wstrb), .wlast(1'b1), .wvalid(s_axil_wvalid),
        .wready(s_axil_wready),
        .bid(1'b0), .bresp(s_axil_bresp), .bvalid(s_axil_bvalid), .bready(s_axil_bready),
        .arid(1'b0), .araddr({52'd0, s_axil_araddr}), .arlen(8'd0), .arsize(3'd2), .arburst(2'b01),
        .arvalid(s_axil_arvalid), .arready(s_axil_arready),
        .rid(1'b0), .rdata(s_axil_rdata), .rresp(s_axil_rresp), .rlast(1'b1),
        .rvalid(s_axil_rvalid), .rready(s_axil_rready),
        .errors(register_errors)
    );

    wire [31:0] netlist_differences;
`ifdef NAAS_NETLIST
    naas_lockstep #(.BEAT_BYTES(BEAT_BYTES)) lockstep (
        .aclk(aclk), .aresetn(aresetn && core_aresetn), .interrupt(interrupt),
        .s_axil_awaddr(s_axil_awaddr), .s_axil_awprot(s_axil_awprot),
        .s_axil_awvalid(s_axil_awvalid), .s_axil_awready(s_axil_awready),
        .s_axil_wdata(s_axil_wdata), .s_axil_wstrb(s_axil_wstrb),
        .s_axil_wvalid(s_axil_wvalid), .s_axil_wready(s_axil_wready),
        .s_axil_bresp(s_axil_bresp), .s_axil_bvalid(s_axil_bvalid), .s_axil_bready(s_axil_bready),
        .s_axil_araddr(s_axil_araddr), .s_axil_arprot(s_axil_arprot),
        .s_axil_arvalid(s_axil_arvalid), .s_axil_arready(s_axil_arready),
        .s_axil_rdata(s_axil_rdata), .s_axil_rresp(s_axil_rresp),
        .s_axil_rvalid(s_axil_rvalid), .s_axil_rready(s_axil_rready),
        .m_axi_awid(core_awid), .m_axi_awaddr(core_awaddr), .m_axi_awlen(core_awlen),
        .m_axi_awsize(core_awsize), .m_axi_awburst(core_awburst), .m_axi_awlock(awlock),
        .m_axi_awcache(awcache), .m_axi_awprot(awprot),
        .m_axi_awvalid(core_awvalid), .m_axi_awready(core_awready),
        .m_axi_wdata(core_wdata), .m_axi_wstrb(core_wstrb), .m_axi_wlast(core_wlast),
        .m_axi_wvalid(core_wvalid), .m_axi_wready(core_wready),
        .m_axi_bid(bid), .m_axi_bresp(bresp), .m_axi_bvalid(core_bvalid), .m_axi_bready(core_bready),
        .m_axi_arid(core_arid), .m_axi_araddr(core_araddr), .m_axi_arlen(core_arlen),
        .m_axi_arsize(core_arsize), .m_axi_arburst(core_arburst), .m_axi_arlock(arlock),
        .m_axi_arcache(arcache), .m_axi_arprot(arprot),
        .m_axi_arvalid(core_arvalid), .m_axi_arready(core_arready),
        .m_axi_rid(rid), .m_axi_rdata(rdata), .m_axi_rresp(rresp), .m_axi_rlast(rlast),
        .m_axi_rvalid(core_rvalid), .m_axi_rready(core_rready),
        .differences(netlist_differences)
    );
`else
    assign netlist_differences = 32'd0;
`endif
    assign protocol_errors = memory_errors + register_errors + netlist_differences;

    // ---------------------------------------------------------------- settings of this run
    reg [63:0]   cycle_limit;
    reg [31:0]   idle_limit;
    reg [8191:0] event_path, wave_path;
    integer      event_log;

    initial begin
        cycle_limit = 64'd0;
        idle_limit  = 32'd0;
        event_log   = 0;
        if ($value$plusargs("idle_limit=%d", idle_limit)) begin end
        if ($value$plusargs("cycle_limit=%d", cycle_limit)) begin end
        if ($value$plusargs("event_log=%s", event_path)) event_log = $fopen(event_path, "w");
`ifndef VERILATOR
        if ($value$plusargs("waves=%s", wave_path)) begin
            $dumpfile(wave_path);
            $dumpvars(0, naas_harness);
        end
`endif
    end

    // ---------------------------------------------------------------- cycles
    reg  [63:0] cycle;
    wire        start = dut.probe_start;
    wire [63:0] now   = start ? 64'd1 : cycle;
    reg  [31:0] idle;
    wire        moves = (awvalid && awready) || (wvalid && wready) || (bvalid && bready)
                     || (arvalid && arready) || (rvalid && rready)
                     || (|dut.probe_events) || (|dut.probe_l2) || (|dut.probe_macs);
    wire        too_long = (cycle_limit != 0 && cycle >= cycle_limit)
                        || (idle_limit != 0 && idle >= idle_limit);

    always @(posedge aclk)
        if (!aresetn) begin
            cycle     <= 64'd0;
            started   <= 1'b0;
            finished  <= 1'b0;
            hang      <= 1'b0;
            end_cycle <= 64'd0;
            idle      <= 32'd0;
        end else if (start) begin
            idle     <= 32'd0;
            num_starts <= num_starts + 32'd1;
            cycle    <= 64'd2;
            started  <= 1'b1;
            finished <= 1'b0;
            hang     <= 1'b0;
        end else if (started && !finished) begin
            cycle <= cycle + 64'd1;
            idle  <= moves ? 32'd0 : idle + 32'd1;
            if (interrupt || too_long) begin
                end_cycle <= cycle;
                hang      <= !interrupt;
                finished  <= 1'b1;
            end
        end

    always @(posedge finished) if (event_log != 0) $fflush(event_log);

    // ---------------------------------------------------------------- counters
    wire counting = started || start;

    always @(posedge aclk)
        if (!aresetn) begin
            dram_read_beats      <= 64'd0;
            dram_write_beats     <= 64'd0;
            dram_read_bursts     <= 64'd0;
            dram_write_bursts    <= 64'd0;
            weight_buffer_writes <= 64'd0;
            input_buffer_writes  <= 64'd0;
            weight_buffer_reads  <= 64'd0;
            input_buffer_reads   <= 64'd0;
            accumulator_reads    <= 64'd0;
            accumulator_writes   <= 64'd0;
            macs                 <= 64'd0;
        end else if (counting) begin
            dram_read_beats      <= (start ? 64'd0 : dram_read_beats)   + {63'd0, rvalid && rready};
            dram_write_beats     <= (start ? 64'd0 : dram_write_beats)  + {63'd0, wvalid && wready};
            dram_read_bursts     <= (start ? 64'd0 : dram_read_bursts)  + {63'd0, arvalid && arready};
            dram_write_bursts    <= (start ? 64'd0 : dram_write_bursts) + {63'd0, awvalid && awready};
            weight_buffer_writes <= (start ? 64'd0 : weight_buffer_writes)
                                  + $countones(dut.probe_weight_writes);
            input_buffer_writes  <= (start ? 64'd0 : input_buffer_writes)
                                  + $countones(dut.probe_input_writes);
            weight_buffer_reads  <= (start ? 64'd0 : weight_buffer_reads)
                                  + $countones(dut.probe_weight_reads);
            input_buffer_reads   <= (start ? 64'd0 : input_buffer_reads)
                                  + $countones(dut.probe_input_reads);
            accumulator_reads    <= (start ? 64'd0 : accumulator_reads)
                                  + $countones(dut.probe_accumulator_reads);
            accumulator_writes   <= (start ? 64'd0 : accumulator_writes)
                                  + $countones(dut.probe_accumulator_writes);
            macs                 <= (start ? 64'd0 : macs) + $countones(dut.probe_macs);
        end

    genvar g;
    generate
        for (g = 0; g < NUM_L2; g = g + 1) begin : l2
            reg [63:0] accesses;
            assign l2_accesses[64*g +: 64] = accesses;
            always @(posedge aclk)
                if (!aresetn) accesses <= 64'd0;
                else if (counting) accesses <= (start ? 64'd0 : accesses) + {63'd0, dut.probe_l2[g]};
        end
    endgenerate

    // ---------------------------------------------------------------- events
    wire [NUM_EVENTS-1:0] events = dut.probe_events;
    integer kind;

    always @(posedge aclk)
        if (event_log != 0 && aresetn && counting) begin
            if (start) $fwrite(event_log, "0 -1\n");
            if (|events)
                for (kind = 0; kind < NUM_EVENTS; kind = kind + 1)
                    if (events[kind]) $fwrite(event_log, "%0d %0d\n", now, kind);
        end
endmodule

`default_nettype wire
