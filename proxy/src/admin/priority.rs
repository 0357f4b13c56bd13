//! Priority of the threads that serve the admin listener.

/// Nice value of the threads. With this value, Linux gives a thread about a tenth of the time of a
/// thread with the value 0 while both wait for one core. A page of 200 callbacks takes about 1 ms;
/// with the usual priority, callbacks wait for the page.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Lowers the priority of this thread, so that pages and metrics delay callbacks less. The threads
/// that this thread starts afterwards inherit this priority.
#[cfg(target_os = "linux")]
pub(super) fn lower() {
    thread_local! {
        static LOWERED: () = {
            // For Linux, no process identifier means the calling thread. A system call filter may
            // forbid the change. gatepost then serves the listener with the usual priority.
            let _unchanged = rustix::process::setpriority_process(None, NICE);
        };
    }
    LOWERED.with(|()| ());
}

/// Does nothing: only on Linux does `setpriority` change a single thread.
#[cfg(not(target_os = "linux"))]
pub(super) fn lower() {}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn nice() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[test]
    fn lowers_priority_of_calling_thread_and_of_threads_that_it_then_starts() {
        let before = nice();
        let thread = std::thread::spawn(|| {
            lower();
            (nice(), std::thread::spawn(nice).join().unwrap())
        });
        assert_eq!(thread.join().unwrap(), (NICE, NICE));
        assert_eq!(nice(), before, "priority of the thread that did not call `lower`");
    }
}
