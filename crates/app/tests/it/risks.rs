//! The register of risks: rated, reviewed, overdue, closed, and not accepted by those who built what it is about.

use crate::world::Desk;
use comptroller_app::assess::Because;
use comptroller_app::risks::{RateRisk, RiskView};
use comptroller_app::{AppError, Call, Caller};
use comptroller_compliance::risk::Band;
use comptroller_core::vocab::RiskTreatment;

const DAY: i64 = 86_400;

impl Desk {
    fn rated(&self, likelihood: u8, residual: u8, treatment: RiskTreatment) -> RateRisk {
        RateRisk {
            text: "people from abroad wait longer".into(),
            likelihood,
            severity: 4,
            treatment,
            residual_likelihood: residual,
            residual_severity: 4,
            owner: self.risk.principal.to_string(),
            review_days: 30,
            controls: vec!["CTL-FAIRNESS-01".parse().unwrap()],
        }
    }

    async fn add(&self, who: &Caller, rated: RateRisk) -> Result<String, AppError> {
        Ok(self.world.app.record_risk(&Call::new(who.clone()), "scoring".into(), rated).await?.id)
    }

    async fn list(&self, overdue: bool) -> Vec<RiskView> {
        self.world.app.risks(&self.auditor, Some("scoring"), overdue).await.unwrap()
    }
}

#[tokio::test]
async fn a_risk_is_rated_falls_due_is_reviewed_and_closed() {
    let desk = Desk::new().await;
    let app = &desk.world.app;
    let id = desk.add(&desk.developer, desk.rated(5, 2, RiskTreatment::Reduce)).await.unwrap();
    desk.add(&desk.developer, desk.rated(1, 1, RiskTreatment::Accept)).await.unwrap();
    let risks = desk.list(false).await;
    let first = &risks[0];
    assert_eq!(
        (first.id.to_string(), first.state.as_str()),
        (id.clone(), "open"),
        "the highest residual first"
    );
    assert_eq!((first.band, first.residual_band), (Band::Critical, Band::Medium));
    assert!(first.description.as_deref().unwrap().contains("from abroad"));
    assert!(desk.list(true).await.is_empty());

    desk.world.clock.pass(31 * DAY);
    assert_eq!(desk.list(true).await.len(), 2);
    let review =
        RateRisk { text: "a new rule took effect".into(), ..desk.rated(5, 1, RiskTreatment::Reduce) };
    app.review_risk(&Call::new(desk.developer.clone()), id.parse().unwrap(), review).await.unwrap();
    assert_eq!(desk.list(true).await.len(), 1);
    let reviewed = desk.list(false).await.into_iter().find(|risk| risk.id.to_string() == id).unwrap();
    assert_eq!((reviewed.reviews, reviewed.residual_band), (1, Band::Low));
    assert_eq!(reviewed.last_review.as_deref(), Some("a new rule took effect"));
    assert!(reviewed.description.unwrap().contains("from abroad"), "the description stays");

    let because = || Because { reason: "the feature was removed".into() };
    app.close_risk(&Call::new(desk.risk.clone()), id.parse().unwrap(), because()).await.unwrap();
    let twice =
        app.close_risk(&Call::new(desk.risk.clone()), id.parse().unwrap(), because()).await.unwrap_err();
    assert!(twice.to_string().contains("closed already"), "{twice}");
    let last = desk.list(false).await.pop().unwrap();
    assert_eq!((last.state.as_str(), last.reason.as_deref()), ("closed", Some("the feature was removed")));
}

#[tokio::test]
async fn builders_do_not_bear_high_risks_and_what_is_out_of_range_is_named() {
    let desk = Desk::new().await;
    desk.world.version(&desk.developer, "1", 0.9).await;
    let accepted = desk.rated(5, 4, RiskTreatment::Accept);
    let denied = desk.add(&desk.developer, accepted.clone()).await;
    assert!(matches!(denied, Err(AppError::Denied { .. })), "{denied:?}");
    let id = desk.add(&desk.risk, accepted).await.unwrap().parse().unwrap();
    // Nor do they rate it lower: somebody else has to see that the treatment works.
    let lower = || desk.rated(5, 1, RiskTreatment::Reduce);
    let denied = desk.world.app.review_risk(&Call::new(desk.developer.clone()), id, lower()).await;
    assert!(matches!(denied, Err(AppError::Denied { .. })), "{denied:?}");
    desk.world.app.review_risk(&Call::new(desk.risk.clone()), id, lower()).await.unwrap();
    let good = desk.rated(3, 2, RiskTreatment::Reduce);
    for (wrong, says) in [
        (RateRisk { likelihood: 0, ..good.clone() }, "likelihood"),
        (RateRisk { residual_severity: 6, ..good.clone() }, "residual_severity"),
        (RateRisk { residual_likelihood: 4, ..good.clone() }, "not more than what was there"),
        (RateRisk { review_days: 367, ..good.clone() }, "review_days"),
        (RateRisk { controls: vec!["CTL-NONE-99".parse().unwrap()], ..good.clone() }, "CTL-NONE-99"),
        (RateRisk { text: String::new(), ..good.clone() }, "text"),
    ] {
        let error = desk.add(&desk.developer, wrong).await.unwrap_err();
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
    assert_eq!(desk.list(false).await.len(), 1, "nothing half-written");
}
