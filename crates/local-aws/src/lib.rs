//! A local stand-in for Amazon Bedrock inference profiles, over HTTP and in process.
