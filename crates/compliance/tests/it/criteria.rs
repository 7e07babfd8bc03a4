//! Controls serve only criteria that the frameworks have.

use comptroller_compliance::control::shipped;
use comptroller_compliance::framework::Catalogue;

#[test]
fn no_control_serves_a_criterion_that_does_not_exist() {
    let catalogue = Catalogue::builtin().unwrap();
    let mut served = 0;
    for control in shipped().unwrap().iter() {
        for serves in &control.serves {
            let (framework, criterion) = serves.criterion.split_once(':').unwrap();
            let framework = catalogue.framework(framework);
            let framework =
                framework.unwrap_or_else(|| panic!("{}: no framework {}", control.id, serves.criterion));
            let is_known = framework.rows.iter().any(|row| row.id == criterion);
            assert!(is_known, "{} serves {}, which is not there", control.id, serves.criterion);
            served += 1;
        }
    }
    assert!(served > 200, "{served}");
}
