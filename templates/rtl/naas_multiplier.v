// Product of two signed numbers, three cycles after its factors; zero where clear came with them.
//
// The registers stand where multipliers of FPGAs have theirs: at the factors, inside, at the
// product. Replace the body by a vendor's primitive where synthesis does not move them in.
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
    reg signed [A_WIDTH-1:0] a_factor;
    reg signed [B_WIDTH-1:0] b_factor;
    reg signed [A_WIDTH+B_WIDTH-1:0] stage;
    reg signed [A_WIDTH+B_WIDTH-1:0] product;

    always @(posedge clk) begin
        if (clear) begin
            a_factor <= 0;
            b_factor <= 0;
        end else begin
            a_factor <= a;
            b_factor <= b;
        end
        stage <= a_factor * b_factor;
        product <= stage;
    end
    assign o = product;

`ifndef SYNTHESIS
    initial begin
        a_factor = 0;
        b_factor = 0;
        stage = 0;
        product = 0;
    end
`endif
endmodule

`default_nettype wire
