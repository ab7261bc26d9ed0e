// Package oracle asks k8s.io/csi-translation-lib, the reference for what
// Kubernetes itself makes of an in-tree volume, and reports what it answered.
package oracle

import (
	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// Library is one version of csi-translation-lib. The versions differ in their
// signatures, so each program wraps its own.
type Library interface {
	PVToCSI(pv *v1.PersistentVolume) (*v1.PersistentVolume, error)
	CSIToPV(pv *v1.PersistentVolume) (*v1.PersistentVolume, error)
	InlineToCSI(volume *v1.Volume, podNamespace string) (*v1.PersistentVolume, error)
	StorageClassToCSI(plugin string, class *storagev1.StorageClass) (*storagev1.StorageClass, error)
	RepairHandle(driver, handle, nodeID string) (string, error)
	EBSVolumeID(id string) (string, error)
}
