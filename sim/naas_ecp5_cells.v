// Logic cells of the ECP5 as netlists of yosys use them beside the primitives that this hardware
// instantiates, for simulation without delays.
//
// Written from Lattice's "ECP5 and ECP5-5G Family Data Sheet" and "ECP5 and ECP5-5G Memory Usage
// Guide", and from the names of parameters in netlists. What is not modelled is refused at time 0.
`timescale 1ns / 1ps
`default_nettype none

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
