// The multiplier of an iCE40 UltraPlus, SB_MAC16, with the registers that it holds at its factors,
// inside and at its product. Its resets are asynchronous, so a cleared factor is masked before it.
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
    generate
        if (A_WIDTH <= 16 && B_WIDTH <= 16) begin : with_mac
            wire signed [A_WIDTH-1:0] a_kept = a & {A_WIDTH{~clear}};
            wire signed [15:0] a_factor = a_kept;
            wire signed [15:0] b_factor = b;
            wire [31:0] product;
            assign o = product[A_WIDTH+B_WIDTH-1:0];

            SB_MAC16 #(
                .A_REG(1'b1),
                .B_REG(1'b1),
                .TOP_8x8_MULT_REG(1'b1),
                .BOT_8x8_MULT_REG(1'b1),
                .PIPELINE_16x16_MULT_REG1(1'b1),
                .PIPELINE_16x16_MULT_REG2(1'b1),
                .TOPOUTPUT_SELECT(2'b11),
                .BOTOUTPUT_SELECT(2'b11),
                .A_SIGNED(1'b1),
                .B_SIGNED(1'b1)
            ) multiplier (
                .CLK(clk), .CE(1'b1),
                .A(a_factor), .B(b_factor), .C(16'd0), .D(16'd0),
                .AHOLD(1'b0), .BHOLD(1'b0), .CHOLD(1'b0), .DHOLD(1'b0),
                .IRSTTOP(1'b0), .IRSTBOT(1'b0), .ORSTTOP(1'b0), .ORSTBOT(1'b0),
                .OLOADTOP(1'b0), .OLOADBOT(1'b0), .ADDSUBTOP(1'b0), .ADDSUBBOT(1'b0),
                .OHOLDTOP(1'b0), .OHOLDBOT(1'b0),
                .CI(1'b0), .ACCUMCI(1'b0), .SIGNEXTIN(1'b0),
                .O(product)
            );
        end else begin : inferred
            naas_inferred_multiplier #(.A_WIDTH(A_WIDTH), .B_WIDTH(B_WIDTH)) multiplier (
                .clk(clk), .clear(clear), .a(a), .b(b), .o(o)
            );
        end
    endgenerate
endmodule

`default_nettype wire
