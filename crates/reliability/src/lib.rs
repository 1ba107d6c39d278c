//! The rules of staying up, as values in and values out: what a gateway lets in, and where it sends it. Pure: no IO, no
//! clock, no chance; whoever needs the present or a random number is handed it.

pub mod overload;
