//! Real Kubernetes components on one machine, for the tests.
