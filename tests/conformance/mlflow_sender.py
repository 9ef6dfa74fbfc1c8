"""A user's training script, run with the real MLflow client against the store named in its first argument."""

from __future__ import annotations

import sys
import warnings

import mlflow
import pandas as pd
from mlflow import MlflowClient

warnings.simplefilter("ignore")


def train(name: str, data_version: str | None) -> str:
    """Log one run the way the documentation of MLflow shows, and return its id."""
    orders = pd.DataFrame({"amount": [1.0, 2.0, 3.0], "merchant_category": ["food", "travel", "food"]})
    with mlflow.start_run(run_name=name) as run:
        mlflow.log_params({"lr": 0.1, "depth": 3})
        mlflow.log_metric("auc", 0.9, step=0)
        mlflow.log_metric("auc", 0.95, step=1)
        mlflow.log_metric("broken", float("nan"))
        if data_version is not None:
            mlflow.set_tag("data_version", data_version)
        mlflow.log_input(mlflow.data.from_pandas(orders, source="orders.parquet", name="orders"), context="training")
        mlflow.log_metric("system/node-7/gpu_0_utilization_percentage", 55.0)
        mlflow.log_metric("system/node-7/gpu_0_memory_usage_megabytes", 1000.0)
        mlflow.log_metric("system/node-7/cpu_utilization_percentage", 5.0)
        with mlflow.start_span("predict") as span, mlflow.start_span("forward_pass") as inner:
            span.set_inputs({"x": "<img src=x onerror=alert(1)>"})
            inner.set_attribute("queue_wait_ms", 10.0)
        run_id: str = run.info.run_id
        return run_id


def main(uri: str) -> None:
    """Send two finished runs, one that goes on, two model versions, and move an alias."""
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("churn")
    client = MlflowClient()
    client.create_registered_model("churn-model")
    for name, data_version in (("first", "2026-03-01"), ("second", None)):
        run_id = train(name, data_version)
        version = client.create_model_version("churn-model", f"runs:/{run_id}/model", run_id)
        client.set_registered_model_alias("churn-model", "champion", version.version)
    client.set_model_version_tag("churn-model", "2", "approved_by", "O'Hara; DROP TABLE runs")
    experiment = client.get_experiment_by_name("churn")
    assert experiment is not None
    client.create_run(experiment.experiment_id, run_name="still going")
    mlflow.flush_trace_async_logging()


if __name__ == "__main__":
    main(sys.argv[1])
