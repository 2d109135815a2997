// Memory with one write port and one read port. Writes are synchronous, and so are reads, unless
// LATENCY is zero.
//
// Replace the body by a foundry's macro or a vendor's primitive where inference does not do.
// A write changes the granules whose enable is high. A word addressed with read_enable is in
// read_data LATENCY cycles later, until the next enabled read gives its word. With a LATENCY of zero
// read_data is the word at the address, as it was before this cycle's write. With any other, reading
// the word that is being written is undefined, and never done. Contents before the first write do not
// matter: with NAAS_RAM_RANDOM defined they are random, in simulation only.
`default_nettype none

module naas_ram #(
    parameter integer WIDTH = 8,
    parameter integer DEPTH = 16,
    parameter integer GRANULARITY = 8,    // divides WIDTH
    parameter integer ADDRESS_WIDTH = 4,  // at least 1, DEPTH <= 2 ** ADDRESS_WIDTH
    parameter STYLE = "auto",             // "auto", "block" or "distributed"
    parameter integer LATENCY = 1         // 0, 1 or 2
) (
    input  wire                           clk,
    input  wire [WIDTH/GRANULARITY-1:0]   write_enable,
    input  wire [ADDRESS_WIDTH-1:0]       write_address,
    input  wire [WIDTH-1:0]               write_data,
    input  wire                           read_enable,
    input  wire [ADDRESS_WIDTH-1:0]       read_address,
    output wire [WIDTH-1:0]               read_data
);
    // What is read while it is written matters with a LATENCY of zero only.
    (* ram_style = STYLE, no_rw_check = LATENCY *)
    reg [WIDTH-1:0] words [0:DEPTH-1];

    integer granule;
    always @(posedge clk)
        for (granule = 0; granule < WIDTH / GRANULARITY; granule = granule + 1)
            if (write_enable[granule])
                words[write_address][granule*GRANULARITY +: GRANULARITY]
                    <= write_data[granule*GRANULARITY +: GRANULARITY];

    generate
        if (LATENCY == 0) begin : at_once
            assign read_data = words[read_address];
            wire unused = read_enable;
        end else begin : clocked
            reg [WIDTH-1:0] word_read;
            always @(posedge clk)
                if (read_enable)
                    word_read <= words[read_address];
`ifndef SYNTHESIS
            initial word_read = {WIDTH{1'b0}};
`endif
            if (LATENCY == 2) begin : registered
                reg [WIDTH-1:0] word;
                always @(posedge clk)
                    word <= word_read;
                assign read_data = word;
`ifndef SYNTHESIS
                initial word = {WIDTH{1'b0}};
`endif
            end else begin : direct
                assign read_data = word_read;
            end
        end
    endgenerate

`ifndef SYNTHESIS
    integer word;
`ifdef NAAS_RAM_RANDOM
    integer place;
`endif
    initial begin
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
