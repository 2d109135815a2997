// The sum in the carry cells of an ECP5, CCU2C: two bits each, with a LUT of four inputs in front of
// either. Its function is A ^ (B | C) where D is high. A carry that is made is A, as the lowest four
// bits of INIT say.
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
    localparam integer PAIRS = (WIDTH + 1) / 2;
    localparam [15:0] SUM = 16'h56AA;
    wire [2*PAIRS-1:0] a_bits = a;
    wire [2*PAIRS-1:0] b_bits = b;
    wire [2*PAIRS-1:0] c_bits = c;
    wire [2*PAIRS-1:0] bits;
    wire [PAIRS:0] carry;
    reg [WIDTH-1:0] total;
    assign carry[0] = 1'b0;

    genvar i;
    generate
        for (i = 0; i < PAIRS; i = i + 1) begin : pairs
            CCU2C #(
                .INIT0(SUM),
                .INIT1(SUM),
                .INJECT1_0("NO"),
                .INJECT1_1("NO")
            ) pair (
                .CIN(carry[i]),
                .A0(a_bits[2*i]), .B0(b_bits[2*i]), .C0(c_bits[2*i]), .D0(1'b1),
                .A1(a_bits[2*i+1]), .B1(b_bits[2*i+1]), .C1(c_bits[2*i+1]), .D1(1'b1),
                .S0(bits[2*i]), .S1(bits[2*i+1]),
                .COUT(carry[i+1])
            );
        end
    endgenerate

    always @(posedge clk)
        if (clear)
            total <= {WIDTH{1'b0}};
        else
            total <= bits[WIDTH-1:0];
    assign o = total;

`ifndef SYNTHESIS
    initial total = {WIDTH{1'b0}};
`endif
endmodule

`default_nettype wire
