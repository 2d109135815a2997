// Sum of a number and of the OR of two others, a cycle later; zero where clear came with them.
//
// Replace the body by a vendor's carry chain where synthesis puts the OR into LUTs of its own.
`default_nettype none

module naas_joined_sum #(
    parameter integer WIDTH = 32
) (
    input  wire             clk,
    input  wire             clear,
    input  wire [WIDTH-1:0] a,
    input  wire [WIDTH-1:0] b,
    input  wire [WIDTH-1:0] c,
    output wire [WIDTH-1:0] o
);
    reg [WIDTH-1:0] total;

    always @(posedge clk)
        if (clear)
            total <= {WIDTH{1'b0}};
        else
            total <= a + (b | c);
    assign o = total;

`ifndef SYNTHESIS
    initial total = {WIDTH{1'b0}};
`endif
endmodule

`default_nettype wire
