//! Internal listeners are for whoever has the operator's token.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use runtime::http::operator::{Operator, only};
use tower::ServiceExt;

#[tokio::test]
async fn only_probes_and_scrapes_need_no_token() {
    let operator = Operator::new("secret".to_owned().into());
    let router = Router::new()
        .route("/livez", get(|| async { "" }))
        .route("/metrics", get(|| async { "" }))
        .route("/clock", get(|| async { "" }))
        .layer(from_fn_with_state(operator, only));
    let ask = async |path: &str, bearer: Option<&str>| {
        let mut request = Request::get(path);
        if let Some(bearer) = bearer {
            request = request.header("authorization", bearer);
        }
        router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
            .status()
    };
    assert_eq!(ask("/livez", None).await, StatusCode::OK);
    assert_eq!(ask("/metrics", None).await, StatusCode::OK);
    assert_eq!(ask("/clock", None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("/clock", Some("Bearer wrong")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("/clock", Some("Bearer secret")).await, StatusCode::OK);
}
