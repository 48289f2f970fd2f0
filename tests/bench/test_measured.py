from ops.bench.measured import Rate, ceilings, percentiles, ratios
from ops.bench.report import document, page

MACHINE = {"cpu": "abacus", "cores": 2, "memory_gb": 1.0, "system": "Linux", "load": [0.1, 0.1, 0.1]}


def rate(*rounds: float, cpu: float = 0.001) -> Rate:
    return Rate(rounds=list(rounds), latencies=[0.001, 0.002], cpu={"workers": cpu}, count=1)


def test_a_ratio_is_the_quotient_of_the_medians():
    rates = {"bare_select": rate(1000, 900, 50), "read_order": rate(300, 450, 500, cpu=0.002)}
    verdict = ratios(rates)["read_order_vs_bare_select"]
    assert (verdict.value, verdict.met, verdict.by_cpu) == (0.5, True, 0.5)
    assert verdict.rounds == [0.3, 0.5, 10.0]


def test_a_ratio_below_its_target_is_not_met():
    rates = {"bare_insert": rate(1000), "create_order": rate(240)}
    assert not ratios(rates)["create_order_vs_bare_insert"].met


def test_a_ratio_with_one_side_missing_is_left_out():
    assert ratios({"read_order": rate(300)}) == {}


def test_a_ceiling_must_stay_below():
    verdicts = ceilings({"cold_start_s": [1.0, 9.0, 2.0], "upload_rss_growth_mb": [64.0]})
    assert verdicts["cold_start_s"].met
    assert not verdicts["upload_rss_growth_mb"].met


def test_percentiles_are_milliseconds():
    assert percentiles([number / 1000 for number in range(100)]) == {50: 50.0, 95: 95.0, 99: 99.0}


def test_the_document_tells_limits_from_results():
    rates = {"bare_select": rate(1000), "read_order": rate(300)}
    made = document(MACHINE, {"python": "3.11"}, rates, {"cold_start_s": [1.5]})
    assert set(made) == {"machine", "versions", "limits", "results", "ratios"}
    assert set(made["limits"]) == {"bare_select"}
    assert set(made["results"]) == {"read_order", "cold_start_s"}
    assert made["ratios"]["read_order_vs_bare_select"]["met"] is False


def test_the_page_shows_each_verdict():
    rates = {"bare_select": rate(1000), "read_order": rate(300)}
    shown = page(MACHINE, {"python": "3.11"}, rates, {"cold_start_s": [1.5]})
    assert "| `read_order_vs_bare_select` | 0.3 | ≥ 0.45 | **no** | 0.3 to 0.3 | 1 |" in shown
    assert "| `cold_start_s` | 1.5 | < 3 | yes | 1.5 to 1.5 | \u2013 |" in shown
