// Memory that two sides share: in a cycle at most one of them writes, and at most one reads.
//
// Replace the body by a foundry's macro or a vendor's primitive where inference does not do: one
// with a write port and a read port, or one with two ports that both read and write.
// A write changes the granules that are named. A word that is read is at its side LATENCY cycles
// later, until the next read of either side gives its word. Reading the word that is being written is undefined, and never
// done. Contents before the first write do not matter: with NAAS_RAM_RANDOM defined they are
// random, in simulation only.
`default_nettype none

module naas_shared_ram #(
    parameter integer WIDTH = 8,
    parameter integer DEPTH = 64,
    parameter integer GRANULARITY = 8,    // divides WIDTH
    parameter integer ADDRESS_WIDTH = 6,  // at least 1, DEPTH <= 2 ** ADDRESS_WIDTH
    parameter integer LATENCY = 1         // 1 or 2
) (
    input  wire                           clk,
    input  wire                           a_read,
    input  wire                           a_write,
    input  wire [WIDTH/GRANULARITY-1:0]   a_granules,
    input  wire [ADDRESS_WIDTH-1:0]       a_address,
    input  wire [WIDTH-1:0]               a_written,
    output wire [WIDTH-1:0]               a_word,
    input  wire                           b_read,
    input  wire                           b_write,
    input  wire [WIDTH/GRANULARITY-1:0]   b_granules,
    input  wire [ADDRESS_WIDTH-1:0]       b_address,
    input  wire [WIDTH-1:0]               b_written,
    output wire [WIDTH-1:0]               b_word
);
    localparam STYLE = DEPTH >= 32 ? "block" : "auto";
    (* ram_style = STYLE, no_rw_check *)
    reg [WIDTH-1:0] words [0:DEPTH-1];
    reg [WIDTH-1:0] word_read;

    wire [WIDTH/GRANULARITY-1:0] granules = a_write ? a_granules
        : b_write ? b_granules : {WIDTH/GRANULARITY{1'b0}};
    wire [ADDRESS_WIDTH-1:0] write_address = a_write ? a_address : b_address;
    wire [WIDTH-1:0] written = a_write ? a_written : b_written;
    wire [ADDRESS_WIDTH-1:0] read_address = a_read ? a_address : b_address;

    integer granule;
    always @(posedge clk)
        for (granule = 0; granule < WIDTH / GRANULARITY; granule = granule + 1)
            if (granules[granule])
                words[write_address][granule*GRANULARITY +: GRANULARITY]
                    <= written[granule*GRANULARITY +: GRANULARITY];

    always @(posedge clk)
        if (a_read || b_read)
            word_read <= words[read_address];

    generate
        if (LATENCY == 2) begin : late
            reg [WIDTH-1:0] word_late;
            always @(posedge clk)
                word_late <= word_read;
            assign a_word = word_late;
            assign b_word = word_late;
        end else begin : early
            assign a_word = word_read;
            assign b_word = word_read;
        end
    endgenerate

`ifndef SYNTHESIS
    integer word;
`ifdef NAAS_RAM_RANDOM
    integer place;
`endif
    initial begin
        word_read = {WIDTH{1'b0}};
        for (word = 0; word < DEPTH; word = word + 1) begin
            words[word] = {WIDTH{1'b0}};
`ifdef NAAS_RAM_RANDOM
            for (place = 0; place < WIDTH; place = place + 1)
                words[word][place] = (($random & 1) == 1);
`endif
        end
    end
`endif
endmodule

`default_nettype wire
