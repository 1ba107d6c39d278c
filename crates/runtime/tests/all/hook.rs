//! Crash points are named and counted; what is not a point is refused. (That they kill is the crash test's to show.)

use runtime::hook;

#[test]
fn what_is_not_a_point_is_refused_and_says_which_exist() {
    for wrong in ["decide", "decide:0", "decide:x", "commit:1"] {
        let error = hook::arm(wrong).unwrap_err();
        assert!(
            error.contains("receive, decide, before-commit, after-commit, answer"),
            "{error}"
        );
    }
    hook::reach("decide"); // nothing is armed: nothing happens
}
