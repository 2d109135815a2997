// A small accelerator with the ports and probes of the real one: copies `num_beats` beats, a burst
// at a time, and strobes its probes in a way that a test can count.
// Registers: 0 start, 4 source, 8 destination, 12 bursts, 16 beats a burst, 20 scratch, 24 errors.
`ifndef COPIER_BEAT_BYTES
`define COPIER_BEAT_BYTES 8
`endif
`ifndef COPIER_PES
`define COPIER_PES 16
`endif
module naas_accelerator (
    input  wire aclk, input wire aresetn, output reg interrupt,
    input  wire [11:0] s_axil_awaddr, input wire [2:0] s_axil_awprot, input wire s_axil_awvalid,
    output wire s_axil_awready,
    input  wire [31:0] s_axil_wdata, input wire [3:0] s_axil_wstrb, input wire s_axil_wvalid,
    output wire s_axil_wready,
    output wire [1:0] s_axil_bresp, output reg s_axil_bvalid, input wire s_axil_bready,
    input  wire [11:0] s_axil_araddr, input wire [2:0] s_axil_arprot, input wire s_axil_arvalid,
    output wire s_axil_arready,
    output reg  [31:0] s_axil_rdata, output wire [1:0] s_axil_rresp, output reg s_axil_rvalid,
    input  wire s_axil_rready,
    output wire m_axi_awid, output wire [63:0] m_axi_awaddr, output wire [7:0] m_axi_awlen,
    output wire [2:0] m_axi_awsize, output wire [1:0] m_axi_awburst, output wire m_axi_awlock,
    output wire [3:0] m_axi_awcache, output wire [2:0] m_axi_awprot, output reg m_axi_awvalid,
    input  wire m_axi_awready,
    output wire [8*`COPIER_BEAT_BYTES-1:0] m_axi_wdata, output wire [`COPIER_BEAT_BYTES-1:0] m_axi_wstrb,
    output wire m_axi_wlast, output wire m_axi_wvalid, input wire m_axi_wready,
    input  wire m_axi_bid, input wire [1:0] m_axi_bresp, input wire m_axi_bvalid, output wire m_axi_bready,
    output wire m_axi_arid, output wire [63:0] m_axi_araddr, output wire [7:0] m_axi_arlen,
    output wire [2:0] m_axi_arsize, output wire [1:0] m_axi_arburst, output wire m_axi_arlock,
    output wire [3:0] m_axi_arcache, output wire [2:0] m_axi_arprot, output reg m_axi_arvalid,
    input  wire m_axi_arready,
    input  wire m_axi_rid, input wire [8*`COPIER_BEAT_BYTES-1:0] m_axi_rdata, input wire [1:0] m_axi_rresp,
    input  wire m_axi_rlast, input wire m_axi_rvalid, output wire m_axi_rready
);
    localparam BEAT = `COPIER_BEAT_BYTES;
    localparam PES = `COPIER_PES;
    localparam SIZE = (BEAT == 4) ? 2 : (BEAT == 8) ? 3 : (BEAT == 16) ? 4 : 5;

    // registers
    reg [31:0] source, destination, num_bursts, num_beats, scratch, errors;
    wire write = s_axil_awvalid && s_axil_wvalid && (!s_axil_bvalid || s_axil_bready);
    assign s_axil_awready = write;
    assign s_axil_wready = write;
    assign s_axil_bresp = 2'b00;
    assign s_axil_rresp = 2'b00;
    assign s_axil_arready = !s_axil_rvalid || s_axil_rready;
    reg probe_start;
    always @(posedge aclk)
        probe_start <= aresetn && write && s_axil_awaddr == 0 && s_axil_wdata[0] && !scratch[31];

    always @(posedge aclk)
        if (!aresetn) begin
            s_axil_bvalid <= 0; s_axil_rvalid <= 0;
            source <= 0; destination <= 0; num_bursts <= 0; num_beats <= 0; scratch <= 0;
        end else begin
            if (s_axil_bready) s_axil_bvalid <= 0;
            if (write) begin
                s_axil_bvalid <= 1;
                case (s_axil_awaddr)
                    4: source <= s_axil_wdata;
                    8: destination <= s_axil_wdata;
                    12: num_bursts <= s_axil_wdata;
                    16: num_beats <= s_axil_wdata;
                    20: scratch <= s_axil_wdata;
                endcase
            end
            if (s_axil_rready) s_axil_rvalid <= 0;
            if (s_axil_arvalid && s_axil_arready) begin
                s_axil_rvalid <= 1;
                case (s_axil_araddr)
                    4: s_axil_rdata <= source;
                    8: s_axil_rdata <= destination;
                    20: s_axil_rdata <= scratch;
                    24: s_axil_rdata <= errors;
                    default: s_axil_rdata <= 32'hdeadbeef;
                endcase
            end
        end

    // one burst at a time: AR and AW, data through a FIFO of one burst, B
    reg [31:0] burst; reg busy; reg [8:0] read, written;
    reg [8*BEAT-1:0] fifo [0:255];
    assign m_axi_awid = 0; assign m_axi_arid = 0;
    assign m_axi_awaddr = destination + burst * num_beats * BEAT;
    assign m_axi_araddr = source + burst * num_beats * BEAT;
    assign m_axi_awlen = num_beats - 1; assign m_axi_arlen = num_beats - 1;
    assign m_axi_awsize = SIZE; assign m_axi_arsize = SIZE;
    assign m_axi_awburst = 1; assign m_axi_arburst = 1;
    assign m_axi_awlock = 0; assign m_axi_arlock = 0;
    assign m_axi_awcache = 3; assign m_axi_arcache = 3;
    assign m_axi_awprot = 0; assign m_axi_arprot = 0;
    assign m_axi_wdata = fifo[written[7:0]];
    assign m_axi_wstrb = {BEAT{1'b1}};
    assign m_axi_wvalid = busy && written < read;
    assign m_axi_wlast = m_axi_wvalid && written == num_beats - 1;
    assign m_axi_bready = 1; assign m_axi_rready = 1;

    always @(posedge aclk)
        if (!aresetn) begin
            busy <= 0; interrupt <= 0; m_axi_arvalid <= 0; m_axi_awvalid <= 0; errors <= 0;
            burst <= 0; read <= 0; written <= 0;
        end else begin
            if (probe_start) begin
                burst <= 0; interrupt <= 0; busy <= 1; read <= 0; written <= 0;
                m_axi_arvalid <= 1; m_axi_awvalid <= 1;
            end
            if (m_axi_arvalid && m_axi_arready) m_axi_arvalid <= 0;
            if (m_axi_awvalid && m_axi_awready) m_axi_awvalid <= 0;
            if (m_axi_rvalid) begin
                fifo[read[7:0]] <= m_axi_rdata; read <= read + 1;
                if (m_axi_rresp != 0) errors <= errors + 1;
            end
            if (m_axi_wvalid && m_axi_wready) written <= written + 1;
            if (m_axi_bvalid) begin
                if (m_axi_bresp != 0) errors <= errors + 1;
                read <= 0; written <= 0; burst <= burst + 1;
                if (burst + 1 == num_bursts) begin
                    busy <= 0; interrupt <= !scratch[30];  // bit 30: the interrupt is lost
                end else begin
                    m_axi_arvalid <= 1; m_axi_awvalid <= 1;
                end
            end
        end

    // a register a PE, so that speed can be measured
    reg [31:0] accumulators [0:PES-1];
    integer k;
    always @(posedge aclk)
        if (m_axi_rvalid)
            for (k = 0; k < PES; k = k + 1)
                accumulators[k] = accumulators[k] * 3 + m_axi_rdata[8*(k % BEAT) +: 8];

    // probes
    wire [2:0] probe_events = {m_axi_bvalid, m_axi_rvalid, probe_start};
    wire [1:0] probe_l2 = {m_axi_wvalid && m_axi_wready, m_axi_rvalid};
    wire [PES-1:0] probe_weight_writes = {PES{m_axi_rvalid}} & 5;
    wire [PES-1:0] probe_input_writes = {PES{m_axi_rvalid}} & 7;
    wire [PES-1:0] probe_weight_reads = {PES{m_axi_rvalid}} & 9'h1f0;
    wire [PES-1:0] probe_input_reads = {PES{m_axi_rvalid}} & 15;
    wire [PES-1:0] probe_macs = {PES{m_axi_rvalid}};
    wire [6:0] probe_accumulator_reads = {7{m_axi_rvalid}};
    wire [5:0] probe_accumulator_writes = {6{m_axi_rvalid}};
endmodule
