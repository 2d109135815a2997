// SPDX-License-Identifier: 0BSD
// Primitives of the ECP5 as far as this hardware uses them, for simulation.
//
// Written from Lattice's descriptions: "ECP5 and ECP5-5G sysDSP Usage Guide", "ECP5 and ECP5-5G
// Memory Usage Guide" and "ECP5 and ECP5-5G Family Data Sheet". What is not modelled is refused at
// time 0: cascades, several clocks, asynchronous resets, ports of different widths.
`timescale 1ns / 1ps
`default_nettype none

// Any function of four bits; bit {D, C, B, A} of INIT. An unknown input makes the output unknown
// only where it matters.
module LUT4 #(
    parameter [15:0] INIT = 16'h0000
) (
    input  wire A, B, C, D,
    output wire Z
);
    wire [7:0] of_d = D ? INIT[15:8] : INIT[7:0];
    wire [3:0] of_c = C ? of_d[7:4] : of_d[3:0];
    wire [1:0] of_b = B ? of_c[3:2] : of_c[1:0];
    assign Z = A ? of_b[1] : of_b[0];
endmodule

// Two bits of a carry chain. Each half is a function of four bits. Where that is 1 the carry passes;
// else the lowest four bits of INIT make a new one from A and B. INJECT "YES" cuts the carry off.
module CCU2C #(
    parameter [15:0] INIT0 = 16'h0000,
    parameter [15:0] INIT1 = 16'h0000,
    parameter INJECT1_0 = "YES",
    parameter INJECT1_1 = "YES"
) (
    input  wire CIN, A0, B0, C0, D0, A1, B1, C1, D1,
    output wire S0, S1, COUT
);
    wire first0, first1, pair0, pair1;
    LUT4 #(.INIT(INIT0)) lut0 (.A(A0), .B(B0), .C(C0), .D(D0), .Z(first0));
    LUT4 #(.INIT(INIT1)) lut1 (.A(A1), .B(B1), .C(C1), .D(D1), .Z(first1));
    LUT4 #(.INIT(INIT0)) low0 (.A(A0), .B(B0), .C(1'b0), .D(1'b0), .Z(pair0));
    LUT4 #(.INIT(INIT1)) low1 (.A(A1), .B(B1), .C(1'b0), .D(1'b0), .Z(pair1));
    wire made0 = INJECT1_0 == "NO" && pair0;
    wire made1 = INJECT1_1 == "NO" && pair1;
    wire between = first0 ? CIN : made0;
    assign S0 = first0 ^ (INJECT1_0 == "NO" && CIN);
    assign S1 = first1 ^ (INJECT1_1 == "NO" && between);
    assign COUT = first1 ? between : made1;
endmodule

// An 18 x 18 multiplier; each of its registers may be left out. All use CLK0.
module MULT18X18D #(
    parameter REG_INPUTA_CLK = "NONE",
    parameter REG_INPUTA_CE = "CE0",
    parameter REG_INPUTA_RST = "RST0",
    parameter REG_INPUTB_CLK = "NONE",
    parameter REG_INPUTB_CE = "CE0",
    parameter REG_INPUTB_RST = "RST0",
    parameter REG_PIPELINE_CLK = "NONE",
    parameter REG_PIPELINE_CE = "CE0",
    parameter REG_PIPELINE_RST = "RST0",
    parameter REG_OUTPUT_CLK = "NONE",
    parameter REG_OUTPUT_CE = "CE0",
    parameter REG_OUTPUT_RST = "RST0",
    parameter REG_INPUTC_CLK = "NONE",
    parameter REG_INPUTC_CE = "CE0",
    parameter REG_INPUTC_RST = "RST0",
    parameter CLK0_DIV = "ENABLED",
    parameter CLK1_DIV = "ENABLED",
    parameter CLK2_DIV = "ENABLED",
    parameter CLK3_DIV = "ENABLED",
    parameter HIGHSPEED_CLK = "NONE",
    parameter CAS_MATCH_REG = "FALSE",
    parameter GSR = "ENABLED",
    parameter SOURCEB_MODE = "B_SHIFT",
    parameter MULT_BYPASS = "DISABLED",
    parameter RESETMODE = "SYNC"
) (
    input wire A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input wire B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    // A third operand, and chains from one multiplier to the next: not modelled, and left open.
    input wire C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
    input wire SRIA17, SRIA16, SRIA15, SRIA14, SRIA13, SRIA12, SRIA11, SRIA10, SRIA9, SRIA8,
    SRIA7, SRIA6, SRIA5, SRIA4, SRIA3, SRIA2, SRIA1, SRIA0,
    input wire SRIB17, SRIB16, SRIB15, SRIB14, SRIB13, SRIB12, SRIB11, SRIB10, SRIB9, SRIB8,
    SRIB7, SRIB6, SRIB5, SRIB4, SRIB3, SRIB2, SRIB1, SRIB0,
    output wire SROA17, SROA16, SROA15, SROA14, SROA13, SROA12, SROA11, SROA10, SROA9, SROA8,
    SROA7, SROA6, SROA5, SROA4, SROA3, SROA2, SROA1, SROA0,
    output wire SROB17, SROB16, SROB15, SROB14, SROB13, SROB12, SROB11, SROB10, SROB9, SROB8,
    SROB7, SROB6, SROB5, SROB4, SROB3, SROB2, SROB1, SROB0,
    output wire ROA17, ROA16, ROA15, ROA14, ROA13, ROA12, ROA11, ROA10, ROA9, ROA8, ROA7, ROA6,
    ROA5, ROA4, ROA3, ROA2, ROA1, ROA0,
    output wire ROB17, ROB16, ROB15, ROB14, ROB13, ROB12, ROB11, ROB10, ROB9, ROB8, ROB7, ROB6,
    ROB5, ROB4, ROB3, ROB2, ROB1, ROB0,
    output wire ROC17, ROC16, ROC15, ROC14, ROC13, ROC12, ROC11, ROC10, ROC9, ROC8, ROC7, ROC6,
    ROC5, ROC4, ROC3, ROC2, ROC1, ROC0,
    output wire SIGNEDP,
    input wire SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    input wire CLK3, CLK2, CLK1, CLK0, CE3, CE2, CE1, CE0, RST3, RST2, RST1, RST0,
    output wire P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20,
    P19, P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
    wire [17:0] a_in = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2,
    A1, A0};
    wire [17:0] b_in = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2,
    B1, B0};
    wire a_ce = REG_INPUTA_CE == "CE0" ? CE0 : REG_INPUTA_CE == "CE1" ? CE1
        : REG_INPUTA_CE == "CE2" ? CE2 : CE3;
    wire a_rst = REG_INPUTA_RST == "RST0" ? RST0 : REG_INPUTA_RST == "RST1" ? RST1
        : REG_INPUTA_RST == "RST2" ? RST2 : RST3;
    wire b_ce = REG_INPUTB_CE == "CE0" ? CE0 : REG_INPUTB_CE == "CE1" ? CE1
        : REG_INPUTB_CE == "CE2" ? CE2 : CE3;
    wire b_rst = REG_INPUTB_RST == "RST0" ? RST0 : REG_INPUTB_RST == "RST1" ? RST1
        : REG_INPUTB_RST == "RST2" ? RST2 : RST3;
    wire pipeline_ce = REG_PIPELINE_CE == "CE0" ? CE0 : REG_PIPELINE_CE == "CE1" ? CE1
        : REG_PIPELINE_CE == "CE2" ? CE2 : CE3;
    wire pipeline_rst = REG_PIPELINE_RST == "RST0" ? RST0 : REG_PIPELINE_RST == "RST1" ? RST1
        : REG_PIPELINE_RST == "RST2" ? RST2 : RST3;
    wire output_ce = REG_OUTPUT_CE == "CE0" ? CE0 : REG_OUTPUT_CE == "CE1" ? CE1
        : REG_OUTPUT_CE == "CE2" ? CE2 : CE3;
    wire output_rst = REG_OUTPUT_RST == "RST0" ? RST0 : REG_OUTPUT_RST == "RST1" ? RST1
        : REG_OUTPUT_RST == "RST2" ? RST2 : RST3;

    // A factor with its sign, one bit wider than it, so that both kinds are signed here.
    reg signed [18:0] a_register = 19'd0;
    reg signed [18:0] b_register = 19'd0;
    wire signed [18:0] a_signed = {SIGNEDA & a_in[17], a_in};
    wire signed [18:0] b_signed = {SIGNEDB & b_in[17], b_in};
    wire signed [18:0] a = REG_INPUTA_CLK == "NONE" ? a_signed : a_register;
    wire signed [18:0] b = REG_INPUTB_CLK == "NONE" ? b_signed : b_register;
    wire signed [37:0] product = a * b;
    reg [35:0] pipeline_register = 36'd0;
    reg [35:0] output_register = 36'd0;
    wire [35:0] pipelined = REG_PIPELINE_CLK == "NONE" ? product[35:0] : pipeline_register;
    wire [35:0] p = REG_OUTPUT_CLK == "NONE" ? pipelined : output_register;
    assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19,
    P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = p;

    always @(posedge CLK0) begin
        if (a_rst) a_register <= 19'd0;
        else if (a_ce) a_register <= a_signed;
        if (b_rst) b_register <= 19'd0;
        else if (b_ce) b_register <= b_signed;
        if (pipeline_rst) pipeline_register <= 36'd0;
        else if (pipeline_ce) pipeline_register <= product[35:0];
        if (output_rst) output_register <= 36'd0;
        else if (output_ce) output_register <= pipelined;
    end

    initial
        if (RESETMODE != "SYNC" || SOURCEB_MODE != "B_SHIFT" || MULT_BYPASS != "DISABLED") begin
            $display("MULT18X18D: this setting is not modelled");
            $finish;
        end
endmodule

// 18 Kbit of memory with two ports. With a width of 36 it is written through port A and read
// through port B, and both together have the data: A the low half. Otherwise both ports read and
// write.
//
// A port that reads what the other one writes in the same cycle gets a word that is neither the old
// nor the new one: nothing may depend on it. A port keeps its word in a cycle in which it writes
// (WRITEMODE "NORMAL"), or gets the old word of the place ("READBEFOREWRITE"). A reset clears the
// register at an output, at the clock: RESETMODE "ASYNC" is modelled as far as no reset comes.
module DP16KD #(
    parameter DATA_WIDTH_A = 18,
    parameter DATA_WIDTH_B = 18,
    parameter REGMODE_A = "NOREG",
    parameter REGMODE_B = "NOREG",
    parameter RESETMODE = "SYNC",
    parameter ASYNC_RESET_RELEASE = "SYNC",
    parameter CSDECODE_A = "0b000",
    parameter CSDECODE_B = "0b000",
    parameter WRITEMODE_A = "NORMAL",
    parameter WRITEMODE_B = "NORMAL",
    parameter CLKAMUX = "CLKA",
    parameter CLKBMUX = "CLKB",
    parameter GSR = "ENABLED"
) (
    input wire ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1,
    ADA0,
    input wire ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1,
    ADB0,
    input wire DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6,
    DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
    input wire DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6,
    DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
    input wire CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2,
    input wire CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
    output wire DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6,
    DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
    output wire DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6,
    DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
    wire [13:0] a_address = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4,
    ADA3, ADA2, ADA1, ADA0};
    wire [13:0] b_address = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4,
    ADB3, ADB2, ADB1, ADB0};
    wire [35:0] written = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8,
    DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0, DIA17, DIA16, DIA15, DIA14, DIA13, DIA12,
    DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    localparam integer LANES = DATA_WIDTH_A < 9 ? 1 : DATA_WIDTH_A / 9;
    localparam [35:0] SCRAMBLE = 36'h5a5a5a5a5;

    reg [8:0] bytes [0:2047];
    reg [35:0] a_word = 36'd0;
    reg [35:0] b_word = 36'd0;
    reg [35:0] a_register = 36'd0;
    reg [35:0] b_register = 36'd0;
    wire [3:0] a_enables = LANES == 1 ? {4{WEA}} : LANES == 2
        ? {2'b00, a_address[1:0] & {2{WEA}}} : a_address[3:0] & {4{WEA}};
    wire [3:0] b_enables = LANES == 1 ? {4{WEB}} : {2'b00, b_address[1:0] & {2{WEB}}};
    wire a_writes = CEA && a_enables != 0;
    wire b_writes = CEB && b_enables != 0;
    wire same_word = (a_address ^ b_address) >> (LANES == 4 ? 5 : LANES == 2 ? 4
        : DATA_WIDTH_A == 9 ? 3 : DATA_WIDTH_A / 2) == 0;

    function automatic [35:0] word_at(input [13:0] address);
        integer n;
        begin
            word_at = 36'd0;
            if (DATA_WIDTH_A < 9)
                for (n = 0; n < DATA_WIDTH_A; n = n + 1)
                    word_at[n] = bytes[address[13:3]][(address[2:0] & ~(DATA_WIDTH_A - 1)) + n];
            else
                for (n = 0; n < LANES; n = n + 1)
                    word_at[9 * n +: 9] = bytes[(address[13:3] & ~(LANES - 1)) + n];
        end
    endfunction

    wire [35:0] b_written = written >> 18;
    integer lane, b_lane;
    always @(posedge CLKA) begin
        if (CEA && DATA_WIDTH_A < 9) begin
            if (WEA)
                for (lane = 0; lane < DATA_WIDTH_A; lane = lane + 1)
                    bytes[a_address[13:3]][(a_address[2:0] & ~(DATA_WIDTH_A - 1)) + lane]
                        <= written[lane];
        end else if (CEA)
            for (lane = 0; lane < LANES; lane = lane + 1)
                if (a_enables[lane])
                    bytes[(a_address[13:3] & ~(LANES - 1)) + lane] <= written[9 * lane +: 9];
        if (CEA && (!WEA || WRITEMODE_A == "READBEFOREWRITE"))
            a_word <= word_at(a_address) ^ (b_writes && same_word ? SCRAMBLE : 36'd0);
        if (RSTA) a_register <= 36'd0;
        else if (OCEA) a_register <= a_word;
    end
    always @(posedge CLKB) begin
        if (CEB && DATA_WIDTH_B < 9) begin
            if (WEB)
                for (b_lane = 0; b_lane < DATA_WIDTH_B; b_lane = b_lane + 1)
                    bytes[b_address[13:3]][(b_address[2:0] & ~(DATA_WIDTH_B - 1)) + b_lane]
                        <= b_written[b_lane];
        end else if (CEB)
            for (b_lane = 0; b_lane < LANES; b_lane = b_lane + 1)
                if (b_enables[b_lane])
                    bytes[(b_address[13:3] & ~(LANES - 1)) + b_lane] <= b_written[9 * b_lane +: 9];
        if (CEB && (!WEB || WRITEMODE_B == "READBEFOREWRITE"))
            b_word <= word_at(b_address) ^ (a_writes && same_word ? SCRAMBLE : 36'd0);
        if (RSTB) b_register <= 36'd0;
        else if (OCEB) b_register <= b_word;
    end
    wire [35:0] a_out = REGMODE_A == "OUTREG" ? a_register : a_word;
    wire [35:0] b_out = REGMODE_B == "OUTREG" ? b_register : b_word;
    assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
    DOA4, DOA3, DOA2, DOA1, DOA0} = DATA_WIDTH_A == 36 ? b_out[17:0] : a_out[17:0];
    assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
    DOB4, DOB3, DOB2, DOB1, DOB0} = DATA_WIDTH_A == 36 ? b_out[35:18] : b_out[17:0];

    integer n;
    initial begin
        for (n = 0; n < 2048; n = n + 1)
`ifdef NAAS_RAM_RANDOM
            bytes[n] = $random;
`else
            bytes[n] = 9'd0;
`endif
        if (DATA_WIDTH_A != DATA_WIDTH_B || CLKAMUX != "CLKA" || CLKBMUX != "CLKB"
                || (WRITEMODE_A != "NORMAL" && WRITEMODE_A != "READBEFOREWRITE")
                || (WRITEMODE_B != "NORMAL" && WRITEMODE_B != "READBEFOREWRITE")
                || REGMODE_A != REGMODE_B) begin
            $display("DP16KD: this setting is not modelled");
            $finish;
        end
    end
    always @(posedge CLKB)
        if ((RSTA || RSTB) && RESETMODE != "SYNC") begin
            $display("DP16KD: a reset without a clock is not modelled");
            $finish;
        end
    always @(posedge CLKB)
        if (WEB && CEB && DATA_WIDTH_A == 36) begin
            $display("DP16KD: writes of 36 bits through port B are not modelled");
            $finish;
        end
endmodule

`default_nettype wire
