// Stands for ECP5's PLL where the ratio of clocks does not matter: its output is its input, and it
// locks after some cycles.
`default_nettype none
module EHXPLLL (
    input wire CLKI, CLKFB, RST, STDBY, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG,
    input wire PLLWAKESYNC, ENCLKOP,
    output wire CLKOP, CLKINTFB, LOCK
);
    parameter PLLRST_ENA = "", INTFB_WAKE = "", STDBY_ENABLE = "", DPHASE_SOURCE = "";
    parameter OUTDIVIDER_MUXA = "", OUTDIVIDER_MUXB = "", OUTDIVIDER_MUXC = "", OUTDIVIDER_MUXD = "";
    parameter CLKOP_ENABLE = "", FEEDBK_PATH = "";
    parameter CLKI_DIV = 1, CLKOP_DIV = 1, CLKOP_CPHASE = 0, CLKOP_FPHASE = 0, CLKFB_DIV = 1;
    reg [5:0] age = 6'd0;
    assign CLKOP = CLKI;
    assign CLKINTFB = CLKI;
    assign LOCK = age[5];
    always @(posedge CLKI) if (!age[5]) age <= age + 6'd1;
endmodule
`default_nettype wire
