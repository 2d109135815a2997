// Scripted AXI4 master: issues listed requests not before listed cycles and logs every handshake.
// Each list word is {not-before cycle [31:0], payload}; X ends a list.
`timescale 1ns/1ps
module dram_tb;
    parameter BEAT_BYTES = 8;
    parameter SIZE_BYTES = 65536;
    parameter CYCLES = 2000;
    localparam D = 8 * BEAT_BYTES;
    localparam SIZE = (BEAT_BYTES == 4) ? 2 : (BEAT_BYTES == 8) ? 3 : (BEAT_BYTES == 16) ? 4 : 5;

    reg aclk = 0, aresetn = 0, dump = 0;
    always #5 aclk = ~aclk;

    reg [31:0] cycle = 0;
    // address lists: cycle 32, flags 8 (0: wrong size, 1: wrong type), length 8, address 64
    reg [111:0] ar_list [0:1023];
    reg [111:0] aw_list [0:1023];
    // data list: cycle 32, last 8, strobe 32, data 256
    reg [327:0] w_list [0:4095];
    // ready patterns, one bit a cycle: R, B
    reg [7:0] ready_list [0:8191];
    integer ar_i = 0, aw_i = 0, w_i = 0, k;
    reg drop_ar = 0;

    wire arready, awready, wready, rvalid, bvalid, rlast;
    wire [0:0] rid, bid;
    wire [1:0] rresp, bresp;
    wire [D-1:0] rdata;
    wire [31:0] protocol_errors, ordering_errors, rready_low;

    wire [111:0] ar = ar_list[ar_i], aw = aw_list[aw_i];
    wire [327:0] w = w_list[w_i];
    wire arvalid = aresetn && ar[111:80] <= cycle && !(drop_ar && cycle[0]);
    wire awvalid = aresetn && aw[111:80] <= cycle;
    wire wvalid = aresetn && w[327:296] <= cycle;
    wire rready = ready_list[cycle][0];
    wire bready = ready_list[cycle][1];

    naas_dram #(.BEAT_BYTES(BEAT_BYTES), .SIZE_BYTES(SIZE_BYTES)) dram (
        .aclk(aclk), .aresetn(aresetn),
        .awid(1'b1), .awaddr(aw[63:0]), .awlen(aw[71:64]), .awsize(SIZE[2:0] ^ aw[72]),
        .awburst(2'b01 ^ aw[73]), .awvalid(awvalid), .awready(awready),
        .wdata(w[D-1:0]), .wstrb(w[256 +: BEAT_BYTES]), .wlast(w[288]), .wvalid(wvalid), .wready(wready),
        .bid(bid), .bresp(bresp), .bvalid(bvalid), .bready(bready),
        .arid(1'b1), .araddr(ar[63:0]), .arlen(ar[71:64]), .arsize(SIZE[2:0] ^ ar[72]),
        .arburst(2'b01 ^ ar[73]), .arvalid(arvalid), .arready(arready),
        .rid(rid), .rdata(rdata), .rresp(rresp), .rlast(rlast), .rvalid(rvalid), .rready(rready),
        .dump(dump), .protocol_errors(protocol_errors), .ordering_errors(ordering_errors),
        .rready_low(rready_low));

    initial begin
        for (k = 0; k < 1024; k = k + 1) begin ar_list[k] = {112{1'b1}}; aw_list[k] = {112{1'b1}}; end
        for (k = 0; k < 4096; k = k + 1) w_list[k] = {328{1'b1}};
        for (k = 0; k < 8192; k = k + 1) ready_list[k] = 8'h03;
        if ($test$plusargs("ar_list")) $readmemh("ar.hex", ar_list);
        if ($test$plusargs("aw_list")) $readmemh("aw.hex", aw_list);
        if ($test$plusargs("w_list")) $readmemh("w.hex", w_list);
        if ($test$plusargs("ready_list")) $readmemh("ready.hex", ready_list);
        drop_ar = $test$plusargs("drop_ar") != 0;
    end

    always @(posedge aclk) begin
        aresetn <= 1'b1;
        if (aresetn) begin
            cycle <= cycle + 1;
            if (rvalid) $display("RVALID %0d", cycle);
            if (wready) $display("WREADY %0d", cycle);
            if (arvalid && arready) begin $display("AR %0d", cycle); ar_i <= ar_i + 1; end
            if (awvalid && awready) begin $display("AW %0d", cycle); aw_i <= aw_i + 1; end
            if (wvalid && wready) begin $display("W %0d", cycle); w_i <= w_i + 1; end
            if (rvalid && rready) $display("R %0d %h %0d %0d %0d", cycle, rdata, rresp, rlast, rid);
            if (bvalid && bready) $display("B %0d %0d %0d", cycle, bresp, bid);
            if (cycle == CYCLES - 2) dump <= 1'b1;
            if (cycle == CYCLES) begin
                $display("ERRORS %0d %0d %0d", protocol_errors, ordering_errors, rready_low);
                $finish;
            end
        end
    end
endmodule
