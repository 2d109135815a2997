// The multiplier of an ECP5, MULT18X18D, with the registers that it holds at its factors, inside
// and at its product. `clear` is the reset of the registers at its factors. Clocks, enables and
// resets that no register uses are left open: a constant would be routed to each of them.
`default_nettype none

module naas_multiplier #(
    parameter integer A_WIDTH = 8,  // 2 to 18
    parameter integer B_WIDTH = 8   // 2 to 18
) (
    input  wire                              clk,
    input  wire                              clear,
    input  wire signed [A_WIDTH-1:0]         a,
    input  wire signed [B_WIDTH-1:0]         b,
    output wire signed [A_WIDTH+B_WIDTH-1:0] o
);
    wire signed [17:0] a_factor = a;
    wire signed [17:0] b_factor = b;
    wire [35:0] product;
    assign o = product[A_WIDTH+B_WIDTH-1:0];

    MULT18X18D #(
        .REG_INPUTA_CLK("CLK0"),
        .REG_INPUTA_RST("RST0"),
        .REG_INPUTB_CLK("CLK0"),
        .REG_INPUTB_RST("RST0"),
        .REG_PIPELINE_CLK("CLK0"),
        .REG_PIPELINE_RST("RST1"),
        .REG_OUTPUT_CLK("CLK0"),
        .REG_OUTPUT_RST("RST1"),
        .RESETMODE("SYNC"),
        .GSR("DISABLED"),
        .SOURCEB_MODE("B_SHIFT"),
        .MULT_BYPASS("DISABLED")
    ) multiplier (
        .CLK0(clk), .CLK1(), .CLK2(), .CLK3(),
        .CE0(1'b1), .CE1(), .CE2(), .CE3(),
        .RST0(clear), .RST1(1'b0), .RST2(), .RST3(),
        .A0(a_factor[0]), .A1(a_factor[1]), .A2(a_factor[2]), .A3(a_factor[3]),
        .A4(a_factor[4]), .A5(a_factor[5]), .A6(a_factor[6]), .A7(a_factor[7]),
        .A8(a_factor[8]), .A9(a_factor[9]), .A10(a_factor[10]), .A11(a_factor[11]),
        .A12(a_factor[12]), .A13(a_factor[13]), .A14(a_factor[14]), .A15(a_factor[15]),
        .A16(a_factor[16]), .A17(a_factor[17]),
        .B0(b_factor[0]), .B1(b_factor[1]), .B2(b_factor[2]), .B3(b_factor[3]),
        .B4(b_factor[4]), .B5(b_factor[5]), .B6(b_factor[6]), .B7(b_factor[7]),
        .B8(b_factor[8]), .B9(b_factor[9]), .B10(b_factor[10]), .B11(b_factor[11]),
        .B12(b_factor[12]), .B13(b_factor[13]), .B14(b_factor[14]), .B15(b_factor[15]),
        .B16(b_factor[16]), .B17(b_factor[17]),
        .P0(product[0]), .P1(product[1]), .P2(product[2]), .P3(product[3]),
        .P4(product[4]), .P5(product[5]), .P6(product[6]), .P7(product[7]),
        .P8(product[8]), .P9(product[9]), .P10(product[10]), .P11(product[11]),
        .P12(product[12]), .P13(product[13]), .P14(product[14]), .P15(product[15]),
        .P16(product[16]), .P17(product[17]), .P18(product[18]), .P19(product[19]),
        .P20(product[20]), .P21(product[21]), .P22(product[22]), .P23(product[23]),
        .P24(product[24]), .P25(product[25]), .P26(product[26]), .P27(product[27]),
        .P28(product[28]), .P29(product[29]), .P30(product[30]), .P31(product[31]),
        .P32(product[32]), .P33(product[33]), .P34(product[34]), .P35(product[35]),
        .SIGNEDA(1'b1), .SIGNEDB(1'b1), .SOURCEA(1'b0), .SOURCEB(1'b0)
    );
endmodule

`default_nettype wire
