//go:build tools

// Package tools makes external-attacher a dependency, so that go.sum holds for its build.
package tools

import _ "github.com/kubernetes-csi/external-attacher/v4/cmd/csi-attacher"
