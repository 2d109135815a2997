// Plays a trace of an AXI4 interface, a line of bits a cycle, to the checker; prints its errors.
`timescale 1ns/1ps
module axi_trace_tb;
    localparam WIDTH = 147;
    reg [WIDTH-1:0] trace [0:255];
    reg [WIDTH-1:0] line;
    integer cycle, num_cycles;
    reg aclk;
    wire [31:0] errors;
    wire        aresetn, awid, awvalid, awready, wlast, wvalid, wready, bid, bvalid, bready;
    wire        arid, arvalid, arready, rid, rlast, rvalid, rready;
    wire [15:0] awaddr, araddr;
    wire [7:0]  awlen, arlen;
    wire [2:0]  awsize, arsize;
    wire [1:0]  awburst, arburst, bresp, rresp;
    wire [31:0] wdata, rdata;
    wire [3:0]  wstrb;
    assign {aresetn,
            awvalid, awready, awid, awaddr, awlen, awsize, awburst,
            wvalid, wready, wdata, wstrb, wlast,
            bvalid, bready, bid, bresp,
            arvalid, arready, arid, araddr, arlen, arsize, arburst,
            rvalid, rready, rid, rdata, rresp, rlast} = line;

    naas_axi_check #(.BEAT_BYTES(4), .QUEUE(4), .PATIENCE(8)) check (
        .aclk(aclk), .aresetn(aresetn),
        .awid(awid), .awaddr({48'd0, awaddr}), .awlen(awlen), .awsize(awsize), .awburst(awburst),
        .awvalid(awvalid), .awready(awready),
        .wdata(wdata), .wstrb(wstrb), .wlast(wlast), .wvalid(wvalid), .wready(wready),
        .bid(bid), .bresp(bresp), .bvalid(bvalid), .bready(bready),
        .arid(arid), .araddr({48'd0, araddr}), .arlen(arlen), .arsize(arsize), .arburst(arburst),
        .arvalid(arvalid), .arready(arready),
        .rid(rid), .rdata(rdata), .rresp(rresp), .rlast(rlast), .rvalid(rvalid), .rready(rready),
        .errors(errors)
    );

    initial begin
        aclk = 0;
        if ($value$plusargs("cycles=%d", num_cycles)) begin end
        $readmemb("trace.bin", trace, 0, num_cycles - 1);
        for (cycle = 0; cycle < num_cycles; cycle = cycle + 1) begin
            line = trace[cycle];
            #5 aclk = 1;
            #5 aclk = 0;
        end
        $display("errors %0d", errors);
        $finish;
    end
endmodule
