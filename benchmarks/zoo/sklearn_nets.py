"""Models of scikit-learn, fitted to seeded data: name -> (model, options of skl2onnx)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(200, 6)).astype(np.float32)
CLASSES = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5)
REALS = X[:, 0] * 2 - X[:, 1]


def mlp(**options: Any) -> MLPClassifier:
    return MLPClassifier(hidden_layer_sizes=(8,), max_iter=30, random_state=0, **options)


def regressor() -> MLPRegressor:
    return MLPRegressor(hidden_layer_sizes=(8,), max_iter=30, random_state=0)


Made = tuple[Any, np.ndarray, dict[str, Any]]
PLAIN = {"zipmap": False}

MODELS: dict[str, Callable[[], Made]] = {
    "mlp_classifier": lambda: (mlp(), CLASSES, PLAIN),
    "mlp_classifier_zipmap": lambda: (mlp(), CLASSES, {}),
    "mlp_binary": lambda: (mlp(), CLASSES > 0, PLAIN),
    "mlp_tanh": lambda: (mlp(activation="tanh"), CLASSES, PLAIN),
    "mlp_logistic": lambda: (mlp(activation="logistic"), CLASSES, PLAIN),
    "mlp_regressor": lambda: (regressor(), REALS, {}),
    "scaler_mlp_regressor": lambda: (make_pipeline(StandardScaler(), regressor()), REALS, {}),
    "scaler_mlp": lambda: (make_pipeline(StandardScaler(), mlp()), CLASSES, {}),
    "pca_mlp_regressor": lambda: (make_pipeline(PCA(4), regressor()), REALS, {}),
    "logreg": lambda: (LogisticRegression(), CLASSES, PLAIN),
    "logreg_binary": lambda: (LogisticRegression(), CLASSES > 0, PLAIN),
    "linreg": lambda: (LinearRegression(), REALS, {}),
    "linearsvc": lambda: (LinearSVC(), CLASSES, {}),
    "gnb": lambda: (GaussianNB(), CLASSES, PLAIN),
    "kmeans": lambda: (KMeans(3, random_state=0), CLASSES, {}),
    "forest": lambda: (RandomForestClassifier(5, random_state=0), CLASSES, PLAIN),
    "tree": lambda: (DecisionTreeClassifier(random_state=0), CLASSES, PLAIN),
    "svc": lambda: (SVC(probability=True, random_state=0), CLASSES, PLAIN),
}
