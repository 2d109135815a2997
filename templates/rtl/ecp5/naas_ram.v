// Memory of an ECP5. A block memory with a latency of two is made of DP16KD whose output registers
// are used, which synthesis does not do by itself; all other memories are inferred.
//
// A block holds words of `LANE_WIDTH` bits side by side, each with a write enable of its own.
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
    localparam integer BLOCK_WIDTH = DEPTH <= 512 ? 36 : DEPTH <= 1024 ? 18 : DEPTH <= 2048 ? 9
        : DEPTH <= 4096 ? 4 : DEPTH <= 8192 ? 2 : 1;
    localparam integer LANE_WIDTH = BLOCK_WIDTH < 9 ? BLOCK_WIDTH : 9;
    localparam integer BLOCK_LANES = BLOCK_WIDTH / LANE_WIDTH;
    localparam integer GRANULES = WIDTH / GRANULARITY;
    localparam integer GRANULE_LANES = (GRANULARITY + LANE_WIDTH - 1) / LANE_WIDTH;
    localparam integer BLOCKS = (GRANULES * GRANULE_LANES + BLOCK_LANES - 1) / BLOCK_LANES;
    localparam integer ALL_LANES = BLOCKS * BLOCK_LANES;

    genvar granule, lane, block;
    generate
        if (STYLE == "block" && LATENCY == 2 && DEPTH <= 16384) begin : blocks
            // Granules in whole lanes; what is left of a lane holds zeros.
            wire [ALL_LANES*LANE_WIDTH-1:0] written;
            wire [ALL_LANES*LANE_WIDTH-1:0] word;
            wire [ALL_LANES-1:0] enable;
            wire [13:0] write_word = write_address;
            wire [13:0] read_word = read_address;
            for (granule = 0; granule < GRANULES; granule = granule + 1) begin : granules
                assign written[granule*GRANULE_LANES*LANE_WIDTH +: GRANULE_LANES*LANE_WIDTH]
                    = write_data[granule*GRANULARITY +: GRANULARITY];
                assign enable[granule*GRANULE_LANES +: GRANULE_LANES]
                    = {GRANULE_LANES{write_enable[granule]}};
                assign read_data[granule*GRANULARITY +: GRANULARITY]
                    = word[granule*GRANULE_LANES*LANE_WIDTH +: GRANULARITY];
            end
            for (lane = GRANULES * GRANULE_LANES; lane < ALL_LANES; lane = lane + 1) begin : rest
                assign written[lane*LANE_WIDTH +: LANE_WIDTH] = {LANE_WIDTH{1'b0}};
                assign enable[lane] = 1'b0;
            end
            for (block = 0; block < BLOCKS; block = block + 1) begin : block_row
                naas_ram_block #(.WIDTH(BLOCK_WIDTH), .LANES(BLOCK_LANES)) memory (
                    .clk(clk),
                    .write_enable(enable[block*BLOCK_LANES +: BLOCK_LANES]),
                    .write_address(write_word),
                    .write_data(written[block*BLOCK_WIDTH +: BLOCK_WIDTH]),
                    .read_enable(read_enable),
                    .read_address(read_word),
                    .read_data(word[block*BLOCK_WIDTH +: BLOCK_WIDTH])
                );
            end
        end else begin : inferred
            naas_inferred_ram #(
                .WIDTH(WIDTH),
                .DEPTH(DEPTH),
                .GRANULARITY(GRANULARITY),
                .ADDRESS_WIDTH(ADDRESS_WIDTH),
                .STYLE(STYLE),
                .LATENCY(LATENCY)
            ) memory (
                .clk(clk),
                .write_enable(write_enable),
                .write_address(write_address),
                .write_data(write_data),
                .read_enable(read_enable),
                .read_address(read_address),
                .read_data(read_data)
            );
        end
    endgenerate
endmodule

// One DP16KD: written through port A, read through port B, with the registers at its outputs.
module naas_ram_block #(
    parameter integer WIDTH = 36,  // 36, 18, 9, 4, 2 or 1
    parameter integer LANES = 4    // 4, 2 or 1: write enables
) (
    input  wire             clk,
    input  wire [LANES-1:0] write_enable,
    input  wire [13:0]      write_address,
    input  wire [WIDTH-1:0] write_data,
    input  wire             read_enable,
    input  wire [13:0]      read_address,
    output wire [WIDTH-1:0] read_data
);
    // Addresses count bits; those of lanes are the write enables.
    localparam integer SHIFT = WIDTH == 36 ? 5 : WIDTH == 18 ? 4 : WIDTH == 9 ? 3 : WIDTH / 2;
    localparam WRITE_MODE = "NORMAL";
    wire [13:0] a_place = write_address << SHIFT;
    wire [13:0] b_address = read_address << SHIFT;
    wire [13:0] a_address = LANES > 1 ? a_place | write_enable : a_place;
    wire write = LANES > 1 ? 1'b1 : write_enable[0];
    wire [35:0] written = write_data;
    wire [17:0] a_data;
    wire [17:0] b_data;
    generate
        if (WIDTH == 36) begin : both_ports
            assign read_data = {b_data, a_data};
        end else begin : one_port
            assign read_data = b_data[WIDTH-1:0];
        end
    endgenerate

    DP16KD #(
        .DATA_WIDTH_A(WIDTH),
        .DATA_WIDTH_B(WIDTH),
        .REGMODE_A("OUTREG"),
        .REGMODE_B("OUTREG"),
        .RESETMODE("SYNC"),
        .ASYNC_RESET_RELEASE("SYNC"),
        .CSDECODE_A("0b000"),
        .CSDECODE_B("0b000"),
        .WRITEMODE_A(WRITE_MODE),
        .WRITEMODE_B(WRITE_MODE),
        .GSR("DISABLED")
    ) memory (
        .CLKA(clk), .CLKB(clk),
        .CEA(1'b1), .CEB(read_enable),
        .OCEA(1'b1), .OCEB(1'b1),
        .WEA(write), .WEB(1'b0),
        .RSTA(1'b0), .RSTB(1'b0),
        .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),
        .CSB0(1'b0), .CSB1(1'b0), .CSB2(1'b0),
        .ADA0(a_address[0]), .ADA1(a_address[1]), .ADA2(a_address[2]), .ADA3(a_address[3]),
        .ADA4(a_address[4]), .ADA5(a_address[5]), .ADA6(a_address[6]), .ADA7(a_address[7]),
        .ADA8(a_address[8]), .ADA9(a_address[9]), .ADA10(a_address[10]), .ADA11(a_address[11]),
        .ADA12(a_address[12]), .ADA13(a_address[13]),
        .ADB0(b_address[0]), .ADB1(b_address[1]), .ADB2(b_address[2]), .ADB3(b_address[3]),
        .ADB4(b_address[4]), .ADB5(b_address[5]), .ADB6(b_address[6]), .ADB7(b_address[7]),
        .ADB8(b_address[8]), .ADB9(b_address[9]), .ADB10(b_address[10]), .ADB11(b_address[11]),
        .ADB12(b_address[12]), .ADB13(b_address[13]),
        .DIA0(written[0]), .DIA1(written[1]), .DIA2(written[2]), .DIA3(written[3]),
        .DIA4(written[4]), .DIA5(written[5]), .DIA6(written[6]), .DIA7(written[7]),
        .DIA8(written[8]), .DIA9(written[9]), .DIA10(written[10]), .DIA11(written[11]),
        .DIA12(written[12]), .DIA13(written[13]), .DIA14(written[14]), .DIA15(written[15]),
        .DIA16(written[16]), .DIA17(written[17]),
        .DIB0(written[18]), .DIB1(written[19]), .DIB2(written[20]), .DIB3(written[21]),
        .DIB4(written[22]), .DIB5(written[23]), .DIB6(written[24]), .DIB7(written[25]),
        .DIB8(written[26]), .DIB9(written[27]), .DIB10(written[28]), .DIB11(written[29]),
        .DIB12(written[30]), .DIB13(written[31]), .DIB14(written[32]), .DIB15(written[33]),
        .DIB16(written[34]), .DIB17(written[35]),
        .DOA0(a_data[0]), .DOA1(a_data[1]), .DOA2(a_data[2]), .DOA3(a_data[3]),
        .DOA4(a_data[4]), .DOA5(a_data[5]), .DOA6(a_data[6]), .DOA7(a_data[7]),
        .DOA8(a_data[8]), .DOA9(a_data[9]), .DOA10(a_data[10]), .DOA11(a_data[11]),
        .DOA12(a_data[12]), .DOA13(a_data[13]), .DOA14(a_data[14]), .DOA15(a_data[15]),
        .DOA16(a_data[16]), .DOA17(a_data[17]),
        .DOB0(b_data[0]), .DOB1(b_data[1]), .DOB2(b_data[2]), .DOB3(b_data[3]),
        .DOB4(b_data[4]), .DOB5(b_data[5]), .DOB6(b_data[6]), .DOB7(b_data[7]),
        .DOB8(b_data[8]), .DOB9(b_data[9]), .DOB10(b_data[10]), .DOB11(b_data[11]),
        .DOB12(b_data[12]), .DOB13(b_data[13]), .DOB14(b_data[14]), .DOB15(b_data[15]),
        .DOB16(b_data[16]), .DOB17(b_data[17])
    );
endmodule

`default_nettype wire
