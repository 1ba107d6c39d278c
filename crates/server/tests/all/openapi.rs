//! `/api/openapi.json`: what is described is what is there.

/// Compares with the reviewed file. After a change that is meant: `UPDATE_EXPECT=1 cargo test -p server openapi`.
#[test]
fn the_description_in_the_tree_is_the_one_that_the_code_gives() {
    let described = server::route::description();
    let text = serde_json::to_string_pretty(&described).expect("a description is plain values") + "\n";
    expect_test::expect_file!["../../../../docs/openapi.json"].assert_eq(&text);
}
