//! Independent work on every processor there is. The results are in the order of the items, so what comes of them is the
//! same on any machine.

use std::thread;

/// Fewer items than this are not worth a thread.
const WORTH_A_THREAD: usize = 256;

/// What `work` makes of each item.
pub(crate) fn map<Item: Sync, Made: Send>(items: &[Item], work: impl Fn(&Item) -> Made + Sync) -> Vec<Made> {
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get());
    let share = items.len().div_ceil(threads).max(WORTH_A_THREAD);
    let Some((own, others)) = items.split_at_checked(share.min(items.len())).filter(|(_, others)| !others.is_empty())
    else {
        return items.iter().map(work).collect();
    };
    let work = &work;
    thread::scope(|scope| {
        let others: Vec<_> =
            others.chunks(share).map(|chunk| scope.spawn(move || chunk.iter().map(work).collect::<Vec<_>>())).collect();
        let mut made: Vec<_> = own.iter().map(work).collect();
        for other in others {
            match other.join() {
                Ok(chunk) => made.extend(chunk),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        made
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items_however_many_there_are() {
        for count in [0, 1, WORTH_A_THREAD, 10 * WORTH_A_THREAD + 1] {
            let items: Vec<_> = (0..count).collect();
            assert_eq!(map(&items, |item| 2 * item), items.iter().map(|item| 2 * item).collect::<Vec<_>>());
        }
    }
}
