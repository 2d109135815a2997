// The netlist of an accelerator in step with its RTL: the same inputs, and in every cycle the same
// outputs.
//
// A payload counts while its VALID is high, a byte of data while its strobe is high, and all VALID,
// READY and the interrupt always. The first difference of each kind is reported; `differences`
// counts every cycle that has one.
//
// Macro NAAS_NETLIST: name of the netlist's module. Without it this file is empty.

`default_nettype none

`ifdef NAAS_NETLIST
module naas_lockstep #(
    parameter BEAT_BYTES = 8
) (
    input  wire                    aclk,
    input  wire                    aresetn,
    // Inputs of both
    input  wire [11:0]             s_axil_awaddr,
    input  wire [2:0]              s_axil_awprot,
    input  wire                    s_axil_awvalid,
    input  wire [31:0]             s_axil_wdata,
    input  wire [3:0]              s_axil_wstrb,
    input  wire                    s_axil_wvalid,
    input  wire                    s_axil_bready,
    input  wire [11:0]             s_axil_araddr,
    input  wire [2:0]              s_axil_arprot,
    input  wire                    s_axil_arvalid,
    input  wire                    s_axil_rready,
    input  wire                    m_axi_awready,
    input  wire                    m_axi_wready,
    input  wire                    m_axi_bid,
    input  wire [1:0]              m_axi_bresp,
    input  wire                    m_axi_bvalid,
    input  wire                    m_axi_arready,
    input  wire                    m_axi_rid,
    input  wire [8*BEAT_BYTES-1:0] m_axi_rdata,
    input  wire [1:0]              m_axi_rresp,
    input  wire                    m_axi_rlast,
    input  wire                    m_axi_rvalid,
    // Outputs of the RTL
    input  wire                    interrupt,
    input  wire                    s_axil_awready,
    input  wire                    s_axil_wready,
    input  wire [1:0]              s_axil_bresp,
    input  wire                    s_axil_bvalid,
    input  wire                    s_axil_arready,
    input  wire [31:0]             s_axil_rdata,
    input  wire [1:0]              s_axil_rresp,
    input  wire                    s_axil_rvalid,
    input  wire                    m_axi_awid,
    input  wire [63:0]             m_axi_awaddr,
    input  wire [7:0]              m_axi_awlen,
    input  wire [2:0]              m_axi_awsize,
    input  wire [1:0]              m_axi_awburst,
    input  wire                    m_axi_awlock,
    input  wire [3:0]              m_axi_awcache,
    input  wire [2:0]              m_axi_awprot,
    input  wire                    m_axi_awvalid,
    input  wire [8*BEAT_BYTES-1:0] m_axi_wdata,
    input  wire [BEAT_BYTES-1:0]   m_axi_wstrb,
    input  wire                    m_axi_wlast,
    input  wire                    m_axi_wvalid,
    input  wire                    m_axi_bready,
    input  wire                    m_axi_arid,
    input  wire [63:0]             m_axi_araddr,
    input  wire [7:0]              m_axi_arlen,
    input  wire [2:0]              m_axi_arsize,
    input  wire [1:0]              m_axi_arburst,
    input  wire                    m_axi_arlock,
    input  wire [3:0]              m_axi_arcache,
    input  wire [2:0]              m_axi_arprot,
    input  wire                    m_axi_arvalid,
    input  wire                    m_axi_rready,
    output reg  [31:0]             differences
);
    localparam COMMAND = 1 + 64 + 8 + 3 + 2 + 1 + 4 + 3;

    wire               n_interrupt, n_awready, n_wready, n_bvalid, n_arready, n_rvalid;
    wire [1:0]         n_bresp, n_rresp;
    wire [31:0]        n_rdata;
    wire [COMMAND-1:0] n_aw, n_ar;
    wire               n_awvalid, n_wlast, n_wvalid, n_bready, n_arvalid, n_rready;
    wire [8*BEAT_BYTES-1:0] n_wdata;
    wire [BEAT_BYTES-1:0]   n_wstrb;

    `NAAS_NETLIST netlist (
        .aclk(aclk), .aresetn(aresetn), .interrupt(n_interrupt),
        .s_axil_awaddr(s_axil_awaddr), .s_axil_awprot(s_axil_awprot),
        .s_axil_awvalid(s_axil_awvalid), .s_axil_awready(n_awready),
        .s_axil_wdata(s_axil_wdata), .s_axil_wstrb(s_axil_wstrb),
        .s_axil_wvalid(s_axil_wvalid), .s_axil_wready(n_wready),
        .s_axil_bresp(n_bresp), .s_axil_bvalid(n_bvalid), .s_axil_bready(s_axil_bready),
        .s_axil_araddr(s_axil_araddr), .s_axil_arprot(s_axil_arprot),
        .s_axil_arvalid(s_axil_arvalid), .s_axil_arready(n_arready),
        .s_axil_rdata(n_rdata), .s_axil_rresp(n_rresp),
        .s_axil_rvalid(n_rvalid), .s_axil_rready(s_axil_rready),
        .m_axi_awid(n_aw[85]), .m_axi_awaddr(n_aw[84:21]), .m_axi_awlen(n_aw[20:13]),
        .m_axi_awsize(n_aw[12:10]), .m_axi_awburst(n_aw[9:8]), .m_axi_awlock(n_aw[7]),
        .m_axi_awcache(n_aw[6:3]), .m_axi_awprot(n_aw[2:0]),
        .m_axi_awvalid(n_awvalid), .m_axi_awready(m_axi_awready),
        .m_axi_wdata(n_wdata), .m_axi_wstrb(n_wstrb), .m_axi_wlast(n_wlast),
        .m_axi_wvalid(n_wvalid), .m_axi_wready(m_axi_wready),
        .m_axi_bid(m_axi_bid), .m_axi_bresp(m_axi_bresp), .m_axi_bvalid(m_axi_bvalid),
        .m_axi_bready(n_bready),
        .m_axi_arid(n_ar[85]), .m_axi_araddr(n_ar[84:21]), .m_axi_arlen(n_ar[20:13]),
        .m_axi_arsize(n_ar[12:10]), .m_axi_arburst(n_ar[9:8]), .m_axi_arlock(n_ar[7]),
        .m_axi_arcache(n_ar[6:3]), .m_axi_arprot(n_ar[2:0]),
        .m_axi_arvalid(n_arvalid), .m_axi_arready(m_axi_arready),
        .m_axi_rid(m_axi_rid), .m_axi_rdata(m_axi_rdata), .m_axi_rresp(m_axi_rresp),
        .m_axi_rlast(m_axi_rlast), .m_axi_rvalid(m_axi_rvalid), .m_axi_rready(n_rready)
    );

    wire [COMMAND-1:0] aw = {m_axi_awid, m_axi_awaddr, m_axi_awlen, m_axi_awsize, m_axi_awburst,
                             m_axi_awlock, m_axi_awcache, m_axi_awprot};
    wire [COMMAND-1:0] ar = {m_axi_arid, m_axi_araddr, m_axi_arlen, m_axi_arsize, m_axi_arburst,
                             m_axi_arlock, m_axi_arcache, m_axi_arprot};

    reg [8*BEAT_BYTES-1:0] lanes;  // bits that the strobe says are written
    integer n;
    always @(*)
        for (n = 0; n < BEAT_BYTES; n = n + 1)
            lanes[8*n +: 8] = {8{m_axi_wstrb[n]}};

    // ---------------------------------------------------------------- differences
    localparam CONTROL = 0, REGISTER_READ = 1, REGISTER_WRITE = 2, WRITE_BURST = 3, READ_BURST = 4,
               STROBE = 5, DATA = 6, NUM_KINDS = 7;

    wire [10:0] control = {interrupt, s_axil_awready, s_axil_wready, s_axil_bvalid, s_axil_arready,
                           s_axil_rvalid, m_axi_awvalid, m_axi_wvalid, m_axi_bready, m_axi_arvalid,
                           m_axi_rready};
    wire [10:0] n_control = {n_interrupt, n_awready, n_wready, n_bvalid, n_arready, n_rvalid,
                             n_awvalid, n_wvalid, n_bready, n_arvalid, n_rready};
    wire [NUM_KINDS-1:0] differs;
    assign differs[CONTROL]        = control !== n_control;
    assign differs[REGISTER_READ]  = s_axil_rvalid
                                  && {s_axil_rdata, s_axil_rresp} !== {n_rdata, n_rresp};
    assign differs[REGISTER_WRITE] = s_axil_bvalid && s_axil_bresp !== n_bresp;
    assign differs[WRITE_BURST]    = m_axi_awvalid && aw !== n_aw;
    assign differs[READ_BURST]     = m_axi_arvalid && ar !== n_ar;
    assign differs[STROBE]         = m_axi_wvalid
                                  && {m_axi_wstrb, m_axi_wlast} !== {n_wstrb, n_wlast};
    assign differs[DATA]           = m_axi_wvalid && (m_axi_wdata & lanes) !== (n_wdata & lanes);

    reg [31:0]          now;
    reg [NUM_KINDS-1:0] reported;

    initial begin
        differences = 32'd0;
        reported    = {NUM_KINDS{1'b0}};
    end

    task report;
        input integer kind;
        begin
            reported[kind] = 1'b1;
            $write("naas_lockstep: cycle %0d: the netlist must have the RTL's ", now);
            case (kind)
                CONTROL:        $display("VALID, READY and interrupt %b, not %b", control, n_control);
                REGISTER_READ:  $display("RDATA %h of a register, not %h", s_axil_rdata, n_rdata);
                REGISTER_WRITE: $display("BRESP %b of a register, not %b", s_axil_bresp, n_bresp);
                WRITE_BURST:    $display("burst of writes %h, not %h", aw, n_aw);
                READ_BURST:     $display("burst of reads %h, not %h", ar, n_ar);
                STROBE:         $display("WSTRB and WLAST %b %b, not %b %b", m_axi_wstrb,
                                         m_axi_wlast, n_wstrb, n_wlast);
                default:        $display("WDATA %h, not %h, where WSTRB is %b", m_axi_wdata,
                                         n_wdata, m_axi_wstrb);
            endcase
        end
    endtask

    integer kind;
    always @(posedge aclk) begin
        now <= aresetn ? now + 1 : 32'd1;
        if (aresetn) begin
            if (|differs) differences <= differences + 32'd1;
            for (kind = 0; kind < NUM_KINDS; kind = kind + 1)
                if (differs[kind] && !reported[kind]) report(kind);
        end
    end
endmodule
`endif

`default_nettype wire
