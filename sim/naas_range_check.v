// Counts write bursts with a strobe outside a range of addresses, as seen on the bus.
//
// The range is that of the bench, not what the accelerator's registers say; both it and the addresses
// count from the base of the memory. Its ends are blocks of
// 4 KiB, which no burst crosses, so a burst lies inside it or outside it as a whole. Addresses and
// data may come in any order.

`default_nettype none

module naas_range_check #(
    parameter BEAT_BYTES = 8,
    parameter QUEUE      = 65536   // bursts of which only addresses or only data have come
) (
    input  wire                  aclk,
    input  wire                  aresetn,
    input  wire [63:0]           first,      // bytes
    input  wire [63:0]           last,
    input  wire [63:0]           awaddr,
    input  wire                  awvalid,
    input  wire                  awready,
    input  wire [BEAT_BYTES-1:0] wstrb,
    input  wire                  wlast,
    input  wire                  wvalid,
    input  wire                  wready,
    output reg  [31:0]           outside     // resets do not clear it
);
    reg        is_outside [0:QUEUE-1];
    reg        is_written [0:QUEUE-1];
    reg [31:0] num_addresses, num_data, num_judged;
    reg        strobed;

    initial outside = 32'd0;

    wire [31:0] slot = num_judged & (QUEUE - 1);
    wire        both = num_judged != num_addresses && num_judged != num_data;

    always @(posedge aclk)
        if (!aresetn) begin
            num_addresses <= 32'd0;
            num_data      <= 32'd0;
            num_judged    <= 32'd0;
            strobed       <= 1'b0;
        end else begin
            if (awvalid && awready) begin
                is_outside[num_addresses & (QUEUE - 1)] <= awaddr < first || awaddr > last;
                num_addresses <= num_addresses + 32'd1;
            end
            if (wvalid && wready) begin
                strobed <= !wlast && (strobed || |wstrb);
                if (wlast) begin
                    is_written[num_data & (QUEUE - 1)] <= strobed || |wstrb;
                    num_data <= num_data + 32'd1;
                end
            end
            if (both) begin
                num_judged <= num_judged + 32'd1;
                if (is_outside[slot] && is_written[slot]) outside <= outside + 32'd1;
            end
        end
endmodule

`default_nettype wire
