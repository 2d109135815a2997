"""The array: processing elements, their networks, adder trees and accumulators."""
