// Memory of an ECP5 that two sides share: each of them has a port of the DP16KD, so that nothing has
// to be chosen in front of it. Words that are few or many are left to synthesis, as few take half
// as many blocks if only one side writes in a cycle.
//
// A block holds words of `LANE_WIDTH` bits side by side, each with a write enable of its own.
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
    localparam integer BLOCK_WIDTH = DEPTH <= 1024 ? 18 : DEPTH <= 2048 ? 9 : DEPTH <= 4096 ? 4
        : DEPTH <= 8192 ? 2 : 1;
    localparam integer LANE_WIDTH = BLOCK_WIDTH < 9 ? BLOCK_WIDTH : 9;
    localparam integer BLOCK_LANES = BLOCK_WIDTH / LANE_WIDTH;
    localparam integer GRANULES = WIDTH / GRANULARITY;
    localparam integer GRANULE_LANES = (GRANULARITY + LANE_WIDTH - 1) / LANE_WIDTH;
    localparam integer BLOCKS = (GRANULES * GRANULE_LANES + BLOCK_LANES - 1) / BLOCK_LANES;
    localparam integer ALL_LANES = BLOCKS * BLOCK_LANES;

    genvar granule, lane, block;
    generate
        if (DEPTH > 512 && DEPTH <= 16384) begin : blocks
            // Granules in whole lanes; what is left of a lane holds zeros.
            wire [ALL_LANES*LANE_WIDTH-1:0] a_lanes;
            wire [ALL_LANES*LANE_WIDTH-1:0] b_lanes;
            wire [ALL_LANES*LANE_WIDTH-1:0] a_found;
            wire [ALL_LANES*LANE_WIDTH-1:0] b_found;
            wire [ALL_LANES-1:0] a_enable;
            wire [ALL_LANES-1:0] b_enable;
            for (granule = 0; granule < GRANULES; granule = granule + 1) begin : granules
                assign a_lanes[granule*GRANULE_LANES*LANE_WIDTH +: GRANULE_LANES*LANE_WIDTH]
                    = a_written[granule*GRANULARITY +: GRANULARITY];
                assign b_lanes[granule*GRANULE_LANES*LANE_WIDTH +: GRANULE_LANES*LANE_WIDTH]
                    = b_written[granule*GRANULARITY +: GRANULARITY];
                assign a_enable[granule*GRANULE_LANES +: GRANULE_LANES]
                    = {GRANULE_LANES{a_granules[granule]}};
                assign b_enable[granule*GRANULE_LANES +: GRANULE_LANES]
                    = {GRANULE_LANES{b_granules[granule]}};
                assign a_word[granule*GRANULARITY +: GRANULARITY]
                    = a_found[granule*GRANULE_LANES*LANE_WIDTH +: GRANULARITY];
                assign b_word[granule*GRANULARITY +: GRANULARITY]
                    = b_found[granule*GRANULE_LANES*LANE_WIDTH +: GRANULARITY];
            end
            for (lane = GRANULES * GRANULE_LANES; lane < ALL_LANES; lane = lane + 1) begin : rest
                assign a_lanes[lane*LANE_WIDTH +: LANE_WIDTH] = {LANE_WIDTH{1'b0}};
                assign b_lanes[lane*LANE_WIDTH +: LANE_WIDTH] = {LANE_WIDTH{1'b0}};
                assign a_enable[lane] = 1'b0;
                assign b_enable[lane] = 1'b0;
            end
            for (block = 0; block < BLOCKS; block = block + 1) begin : block_row
                naas_shared_ram_block #(
                    .WIDTH(BLOCK_WIDTH),
                    .LANES(BLOCK_LANES),
                    .ADDRESS_WIDTH(ADDRESS_WIDTH),
                    .LATENCY(LATENCY)
                ) memory (
                    .clk(clk),
                    .a_read(a_read),
                    .a_write(a_write),
                    .a_lanes(a_enable[block*BLOCK_LANES +: BLOCK_LANES]),
                    .a_address(a_address),
                    .a_written(a_lanes[block*BLOCK_WIDTH +: BLOCK_WIDTH]),
                    .a_word(a_found[block*BLOCK_WIDTH +: BLOCK_WIDTH]),
                    .b_read(b_read),
                    .b_write(b_write),
                    .b_lanes(b_enable[block*BLOCK_LANES +: BLOCK_LANES]),
                    .b_address(b_address),
                    .b_written(b_lanes[block*BLOCK_WIDTH +: BLOCK_WIDTH]),
                    .b_word(b_found[block*BLOCK_WIDTH +: BLOCK_WIDTH])
                );
            end
        end else begin : inferred
            naas_inferred_shared_ram #(
                .WIDTH(WIDTH),
                .DEPTH(DEPTH),
                .GRANULARITY(GRANULARITY),
                .ADDRESS_WIDTH(ADDRESS_WIDTH),
                .LATENCY(LATENCY)
            ) memory (
                .clk(clk),
                .a_read(a_read),
                .a_write(a_write),
                .a_granules(a_granules),
                .a_address(a_address),
                .a_written(a_written),
                .a_word(a_word),
                .b_read(b_read),
                .b_write(b_write),
                .b_granules(b_granules),
                .b_address(b_address),
                .b_written(b_written),
                .b_word(b_word)
            );
        end
    endgenerate
endmodule

// One DP16KD, both ports of which read and write; a port that writes keeps the word it has read.
module naas_shared_ram_block #(
    parameter integer WIDTH = 18,  // 18, 9, 4, 2 or 1
    parameter integer LANES = 2,   // 2 or 1: write enables
    parameter integer ADDRESS_WIDTH = 10,
    parameter integer LATENCY = 1  // 1 or 2
) (
    input  wire                     clk,
    input  wire                     a_read,
    input  wire                     a_write,
    input  wire [LANES-1:0]         a_lanes,
    input  wire [ADDRESS_WIDTH-1:0] a_address,
    input  wire [WIDTH-1:0]         a_written,
    output wire [WIDTH-1:0]         a_word,
    input  wire                     b_read,
    input  wire                     b_write,
    input  wire [LANES-1:0]         b_lanes,
    input  wire [ADDRESS_WIDTH-1:0] b_address,
    input  wire [WIDTH-1:0]         b_written,
    output wire [WIDTH-1:0]         b_word
);
    // Addresses count bits; those of two lanes are their write enables.
    localparam integer SHIFT = WIDTH == 18 ? 4 : WIDTH == 9 ? 3 : WIDTH / 2;
    wire [13:0] a_first = a_address << SHIFT;
    wire [13:0] b_first = b_address << SHIFT;
    wire [13:0] a_place = LANES > 1 ? a_first | a_lanes : a_first;
    wire [13:0] b_place = LANES > 1 ? b_first | b_lanes : b_first;
    wire a_change = LANES > 1 ? a_write : a_write && a_lanes[0];
    wire b_change = LANES > 1 ? b_write : b_write && b_lanes[0];
    wire [17:0] a_data = a_written;
    wire [17:0] b_data = b_written;
    wire [17:0] a_out;
    wire [17:0] b_out;
    assign a_word = a_out[WIDTH-1:0];
    assign b_word = b_out[WIDTH-1:0];

    DP16KD #(
        .DATA_WIDTH_A(WIDTH),
        .DATA_WIDTH_B(WIDTH),
        .REGMODE_A(LATENCY == 2 ? "OUTREG" : "NOREG"),
        .REGMODE_B(LATENCY == 2 ? "OUTREG" : "NOREG"),
        .RESETMODE("SYNC"),
        .ASYNC_RESET_RELEASE("SYNC"),
        .CSDECODE_A("0b000"),
        .CSDECODE_B("0b000"),
        .WRITEMODE_A("NORMAL"),
        .WRITEMODE_B("NORMAL"),
        .GSR("DISABLED")
    ) memory (
        .CLKA(clk), .CLKB(clk),
        .CEA(a_read || a_change), .CEB(b_read || b_change),
        .OCEA(1'b1), .OCEB(1'b1),
        .WEA(a_change), .WEB(b_change),
        .RSTA(1'b0), .RSTB(1'b0),
        .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),
        .CSB0(1'b0), .CSB1(1'b0), .CSB2(1'b0),
        .ADA0(a_place[0]), .ADA1(a_place[1]), .ADA2(a_place[2]), .ADA3(a_place[3]),
        .ADA4(a_place[4]), .ADA5(a_place[5]), .ADA6(a_place[6]), .ADA7(a_place[7]),
        .ADA8(a_place[8]), .ADA9(a_place[9]), .ADA10(a_place[10]), .ADA11(a_place[11]),
        .ADA12(a_place[12]), .ADA13(a_place[13]),
        .DIA0(a_data[0]), .DIA1(a_data[1]), .DIA2(a_data[2]), .DIA3(a_data[3]), .DIA4(a_data[4]),
        .DIA5(a_data[5]), .DIA6(a_data[6]), .DIA7(a_data[7]), .DIA8(a_data[8]), .DIA9(a_data[9]),
        .DIA10(a_data[10]), .DIA11(a_data[11]), .DIA12(a_data[12]), .DIA13(a_data[13]),
        .DIA14(a_data[14]), .DIA15(a_data[15]), .DIA16(a_data[16]), .DIA17(a_data[17]),
        .DOA0(a_out[0]), .DOA1(a_out[1]), .DOA2(a_out[2]), .DOA3(a_out[3]), .DOA4(a_out[4]),
        .DOA5(a_out[5]), .DOA6(a_out[6]), .DOA7(a_out[7]), .DOA8(a_out[8]), .DOA9(a_out[9]),
        .DOA10(a_out[10]), .DOA11(a_out[11]), .DOA12(a_out[12]), .DOA13(a_out[13]),
        .DOA14(a_out[14]), .DOA15(a_out[15]), .DOA16(a_out[16]), .DOA17(a_out[17]),
        .ADB0(b_place[0]), .ADB1(b_place[1]), .ADB2(b_place[2]), .ADB3(b_place[3]),
        .ADB4(b_place[4]), .ADB5(b_place[5]), .ADB6(b_place[6]), .ADB7(b_place[7]),
        .ADB8(b_place[8]), .ADB9(b_place[9]), .ADB10(b_place[10]), .ADB11(b_place[11]),
        .ADB12(b_place[12]), .ADB13(b_place[13]),
        .DIB0(b_data[0]), .DIB1(b_data[1]), .DIB2(b_data[2]), .DIB3(b_data[3]), .DIB4(b_data[4]),
        .DIB5(b_data[5]), .DIB6(b_data[6]), .DIB7(b_data[7]), .DIB8(b_data[8]), .DIB9(b_data[9]),
        .DIB10(b_data[10]), .DIB11(b_data[11]), .DIB12(b_data[12]), .DIB13(b_data[13]),
        .DIB14(b_data[14]), .DIB15(b_data[15]), .DIB16(b_data[16]), .DIB17(b_data[17]),
        .DOB0(b_out[0]), .DOB1(b_out[1]), .DOB2(b_out[2]), .DOB3(b_out[3]), .DOB4(b_out[4]),
        .DOB5(b_out[5]), .DOB6(b_out[6]), .DOB7(b_out[7]), .DOB8(b_out[8]), .DOB9(b_out[9]),
        .DOB10(b_out[10]), .DOB11(b_out[11]), .DOB12(b_out[12]), .DOB13(b_out[13]),
        .DOB14(b_out[14]), .DOB15(b_out[15]), .DOB16(b_out[16]), .DOB17(b_out[17])
    );
endmodule

`default_nettype wire
