// A small SoC around a generated core: an address decoder, two registers of its own, the core.
//
//   0x00000  reads as 0x50C00001
//   0x00004  how often the core has interrupted
//   0x10000  the registers of the core
//
// The memory stands outside, behind m_axi.
`default_nettype none

module soc #(
    parameter BEAT_BYTES = 8
) (
    input  wire                      aclk,
    input  wire                      aresetn,
    output wire                      interrupt,

    input  wire [19:0]               s_axil_awaddr,
    input  wire                      s_axil_awvalid,
    output wire                      s_axil_awready,
    input  wire [31:0]               s_axil_wdata,
    input  wire [3:0]                s_axil_wstrb,
    input  wire                      s_axil_wvalid,
    output wire                      s_axil_wready,
    output wire [1:0]                s_axil_bresp,
    output wire                      s_axil_bvalid,
    input  wire                      s_axil_bready,
    input  wire [19:0]               s_axil_araddr,
    input  wire                      s_axil_arvalid,
    output wire                      s_axil_arready,
    output wire [31:0]               s_axil_rdata,
    output wire [1:0]                s_axil_rresp,
    output wire                      s_axil_rvalid,
    input  wire                      s_axil_rready,

    output wire                      m_axi_awid,
    output wire [63:0]               m_axi_awaddr,
    output wire [7:0]                m_axi_awlen,
    output wire                      m_axi_awvalid,
    input  wire                      m_axi_awready,
    output wire [8*BEAT_BYTES-1:0]   m_axi_wdata,
    output wire [BEAT_BYTES-1:0]     m_axi_wstrb,
    output wire                      m_axi_wlast,
    output wire                      m_axi_wvalid,
    input  wire                      m_axi_wready,
    input  wire                      m_axi_bid,
    input  wire [1:0]                m_axi_bresp,
    input  wire                      m_axi_bvalid,
    output wire                      m_axi_bready,
    output wire                      m_axi_arid,
    output wire [63:0]               m_axi_araddr,
    output wire [7:0]                m_axi_arlen,
    output wire                      m_axi_arvalid,
    input  wire                      m_axi_arready,
    input  wire                      m_axi_rid,
    input  wire [8*BEAT_BYTES-1:0]   m_axi_rdata,
    input  wire [1:0]                m_axi_rresp,
    input  wire                      m_axi_rlast,
    input  wire                      m_axi_rvalid,
    output wire                      m_axi_rready
);
    // Reads: those of the SoC are answered here, one at a time; all others go to the core.
    wire        reads_own = ~s_axil_araddr[16];
    reg         own_valid = 1'b0;
    reg  [31:0] own_data;
    reg  [31:0] num_interrupts = 32'd0;
    reg         was_high = 1'b0;
    wire        core_arready, core_rvalid;
    wire [31:0] core_rdata;
    wire [1:0]  core_rresp;

    assign s_axil_arready = reads_own ? ~own_valid : core_arready;
    assign s_axil_rvalid  = own_valid | core_rvalid;
    assign s_axil_rdata   = own_valid ? own_data : core_rdata;
    assign s_axil_rresp   = own_valid ? 2'b00 : core_rresp;

    always @(posedge aclk) begin
        was_high <= interrupt;
        if (own_valid & s_axil_rready) own_valid <= 1'b0;
        if (s_axil_arvalid & reads_own & ~own_valid) begin
            own_valid <= 1'b1;
            own_data  <= s_axil_araddr[2] ? num_interrupts : 32'h50C0_0001;
        end
        if (interrupt & ~was_high) num_interrupts <= num_interrupts + 32'd1;
        if (~aresetn) begin
            own_valid      <= 1'b0;
            num_interrupts <= 32'd0;
            was_high       <= 1'b0;
        end
    end

    naas_accelerator core (
        .aclk(aclk),
        .aresetn(aresetn),
        .interrupt(interrupt),
        .s_axil_awaddr(s_axil_awaddr[11:0]),
        .s_axil_awprot(3'b000),
        .s_axil_awvalid(s_axil_awvalid),
        .s_axil_awready(s_axil_awready),
        .s_axil_wdata(s_axil_wdata),
        .s_axil_wstrb(s_axil_wstrb),
        .s_axil_wvalid(s_axil_wvalid),
        .s_axil_wready(s_axil_wready),
        .s_axil_bresp(s_axil_bresp),
        .s_axil_bvalid(s_axil_bvalid),
        .s_axil_bready(s_axil_bready),
        .s_axil_araddr(s_axil_araddr[11:0]),
        .s_axil_arprot(3'b000),
        .s_axil_arvalid(s_axil_arvalid & ~reads_own),
        .s_axil_arready(core_arready),
        .s_axil_rdata(core_rdata),
        .s_axil_rresp(core_rresp),
        .s_axil_rvalid(core_rvalid),
        .s_axil_rready(s_axil_rready & ~own_valid),
        .m_axi_awid(m_axi_awid),
        .m_axi_awaddr(m_axi_awaddr),
        .m_axi_awlen(m_axi_awlen),
        .m_axi_awsize(),
        .m_axi_awburst(),
        .m_axi_awlock(),
        .m_axi_awcache(),
        .m_axi_awprot(),
        .m_axi_awvalid(m_axi_awvalid),
        .m_axi_awready(m_axi_awready),
        .m_axi_wdata(m_axi_wdata),
        .m_axi_wstrb(m_axi_wstrb),
        .m_axi_wlast(m_axi_wlast),
        .m_axi_wvalid(m_axi_wvalid),
        .m_axi_wready(m_axi_wready),
        .m_axi_bid(m_axi_bid),
        .m_axi_bresp(m_axi_bresp),
        .m_axi_bvalid(m_axi_bvalid),
        .m_axi_bready(m_axi_bready),
        .m_axi_arid(m_axi_arid),
        .m_axi_araddr(m_axi_araddr),
        .m_axi_arlen(m_axi_arlen),
        .m_axi_arsize(),
        .m_axi_arburst(),
        .m_axi_arlock(),
        .m_axi_arcache(),
        .m_axi_arprot(),
        .m_axi_arvalid(m_axi_arvalid),
        .m_axi_arready(m_axi_arready),
        .m_axi_rid(m_axi_rid),
        .m_axi_rdata(m_axi_rdata),
        .m_axi_rresp(m_axi_rresp),
        .m_axi_rlast(m_axi_rlast),
        .m_axi_rvalid(m_axi_rvalid),
        .m_axi_rready(m_axi_rready)
    );
endmodule

`default_nettype wire
