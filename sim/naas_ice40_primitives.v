// SPDX-License-Identifier: 0BSD
// Primitives of the iCE40 UltraPlus as far as this hardware uses them, for simulation.
//
// Written from Lattice's description: "DSP Function Usage Guide for iCE40 Devices". What is not
// modelled is refused at time 0: products of eight bits, adders, asynchronous resets.
`timescale 1ns / 1ps
`default_nettype none

// A signed 16 x 16 multiplier with registers at its factors, inside, and at its product.
module SB_MAC16 #(
    parameter [0:0] NEG_TRIGGER = 1'b0,
    parameter [0:0] A_REG = 1'b0,
    parameter [0:0] B_REG = 1'b0,
    parameter [0:0] TOP_8x8_MULT_REG = 1'b0,
    parameter [0:0] BOT_8x8_MULT_REG = 1'b0,
    parameter [0:0] PIPELINE_16x16_MULT_REG1 = 1'b0,
    parameter [0:0] PIPELINE_16x16_MULT_REG2 = 1'b0,
    parameter [1:0] TOPOUTPUT_SELECT = 2'b00,
    parameter [1:0] BOTOUTPUT_SELECT = 2'b00,
    parameter [0:0] MODE_8x8 = 1'b0,
    parameter [0:0] A_SIGNED = 1'b0,
    parameter [0:0] B_SIGNED = 1'b0
) (
    input wire CLK,
    input wire CE,
    input wire [15:0] A,
    input wire [15:0] B,
    input wire [15:0] C,
    input wire [15:0] D,
    input wire AHOLD, BHOLD, CHOLD, DHOLD,
    input wire IRSTTOP, IRSTBOT, ORSTTOP, ORSTBOT,
    input wire OLOADTOP, OLOADBOT, ADDSUBTOP, ADDSUBBOT, OHOLDTOP, OHOLDBOT,
    input wire CI, ACCUMCI, SIGNEXTIN,
    output wire [31:0] O,
    output wire CO, ACCUMCO, SIGNEXTOUT
);
    localparam INNER = TOP_8x8_MULT_REG & BOT_8x8_MULT_REG & PIPELINE_16x16_MULT_REG1;
    reg signed [15:0] a_register = 16'd0;
    reg signed [15:0] b_register = 16'd0;
    reg signed [31:0] inner_register = 32'd0;
    reg signed [31:0] output_register = 32'd0;
    wire signed [15:0] a = A_REG ? a_register : A;
    wire signed [15:0] b = B_REG ? b_register : B;
    wire signed [31:0] product = a * b;
    wire signed [31:0] inner = INNER ? inner_register : product;
    assign O = PIPELINE_16x16_MULT_REG2 ? output_register : inner;
    assign CO = 1'b0;
    assign ACCUMCO = 1'b0;
    assign SIGNEXTOUT = 1'b0;

    always @(posedge CLK)
        if (CE) begin
            if (!AHOLD) a_register <= A;
            if (!BHOLD) b_register <= B;
            inner_register <= product;
            output_register <= inner;
        end

    initial
        if (NEG_TRIGGER || MODE_8x8 || !A_SIGNED || !B_SIGNED || TOPOUTPUT_SELECT != 2'b11
                || BOTOUTPUT_SELECT != 2'b11 || TOP_8x8_MULT_REG != PIPELINE_16x16_MULT_REG1
                || BOT_8x8_MULT_REG != PIPELINE_16x16_MULT_REG1) begin
            $display("SB_MAC16: this setting is not modelled");
            $finish;
        end
    always @(posedge CLK)
        if (IRSTTOP || IRSTBOT || ORSTTOP || ORSTBOT) begin
            $display("SB_MAC16: resets are not modelled");
            $finish;
        end
endmodule

`default_nettype wire
