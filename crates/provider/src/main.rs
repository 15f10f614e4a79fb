//! Entry point of the provider function.
fn main() {}
