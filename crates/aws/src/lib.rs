//! The AWS SDK behind the ports.
