// Logic cells of the ECP5 as netlists of yosys use them, for simulation without delays.
//
// Written from Lattice's "ECP5 and ECP5-5G Family Data Sheet" and "ECP5 and ECP5-5G Memory Usage
// Guide", and from the names of parameters in netlists. What is not modelled is refused at time 0.
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

// A flip-flop. Its control inputs may be inverted or constant, as the parameters say.
module TRELLIS_FF #(
    parameter GSR = "ENABLED",
    parameter CEMUX = "1",
    parameter CLKMUX = "CLK",
    parameter LSRMUX = "LSR",
    parameter SRMODE = "LSR_OVER_CE",
    parameter REGSET = "RESET",
    parameter LSRMODE = "LSR"
) (
    input  wire CLK, DI, LSR, CE, M,
    output reg  Q
);
    localparam VALUE = REGSET == "SET";
    wire enable = CEMUX == "1" || (CEMUX == "CE" && CE) || (CEMUX == "INV" && !CE);
    wire reset = LSRMUX == "INV" ? !LSR : LSR;
    wire data = LSRMODE == "PRLD" ? M : VALUE;

    initial begin
        Q = VALUE;
        if (CLKMUX != "CLK" || SRMODE == "ASYNC") begin
            $display("TRELLIS_FF: this setting is not modelled");
            $finish;
        end
    end

    generate
        if (SRMODE == "CE_OVER_LSR") begin : enable_first
            always @(posedge CLK)
                if (enable) Q <= reset ? data : DI;
        end else begin : reset_first
            always @(posedge CLK)
                if (reset) Q <= data;
                else if (enable) Q <= DI;
        end
    endgenerate
endmodule

// Sixteen words of four bits: written at the clock, read at once.
module TRELLIS_DPR16X4 #(
    parameter WCKMUX = "WCK",
    parameter WREMUX = "WRE",
    parameter [63:0] INITVAL = 64'd0
) (
    input  wire [3:0] DI, WAD, RAD,
    input  wire       WRE, WCK,
    output wire [3:0] DO
);
    reg [63:0] words = INITVAL;
    wire enable = WREMUX == "1" || (WREMUX == "WRE" && WRE) || (WREMUX == "INV" && !WRE);

    always @(posedge WCK)
        if (enable) words[{WAD, 2'b00} +: 4] <= DI;
    assign DO = words[{RAD, 2'b00} +: 4];

    initial
        if (WCKMUX != "WCK") begin
            $display("TRELLIS_DPR16X4: this setting is not modelled");
            $finish;
        end
endmodule

`default_nettype wire
