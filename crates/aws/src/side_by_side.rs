//! Calls that wait for their answers together.

use std::future::Future;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use ports::Result;

/// What `calls` come to, in their order, with at most `limit` of them under way; or the first failure, which
/// lets go of the others.
pub(crate) async fn side_by_side<T>(
    limit: usize,
    calls: impl IntoIterator<Item = impl Future<Output = Result<T>>>,
) -> Result<Vec<T>> {
    stream::iter(calls).buffered(limit).try_collect().await
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Duration};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_more_calls_than_the_limit_are_under_way_and_their_order_is_kept() {
        let (now, most) = (Cell::new(0), Cell::new(0));
        let call = async |n: u64| {
            now.set(now.get() + 1);
            most.set(most.get().max(now.get()));
            tokio::time::sleep(Duration::from_millis(10 - n)).await;
            now.set(now.get() - 1);
            Ok(n)
        };
        let calls: Vec<_> = (0..8).map(call).collect();
        assert_eq!(side_by_side(3, calls).await, Ok((0..8).collect()));
        assert_eq!(most.get(), 3);
    }
}
