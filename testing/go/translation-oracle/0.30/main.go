// The last csi-translation-lib that knows RBD.
package main

import (
	"flex2csi.io/testing/translation-oracle/oracle"
	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	csitranslation "k8s.io/csi-translation-lib"
	"k8s.io/csi-translation-lib/plugins"
)

type library struct {
	translator csitranslation.CSITranslator
}

func (l library) PVToCSI(pv *v1.PersistentVolume) (*v1.PersistentVolume, error) {
	return l.translator.TranslateInTreePVToCSI(pv)
}

func (l library) CSIToPV(pv *v1.PersistentVolume) (*v1.PersistentVolume, error) {
	return l.translator.TranslateCSIPVToInTree(pv)
}

func (l library) InlineToCSI(volume *v1.Volume, podNamespace string) (*v1.PersistentVolume, error) {
	return l.translator.TranslateInTreeInlineVolumeToCSI(volume, podNamespace)
}

func (l library) StorageClassToCSI(plugin string, class *storagev1.StorageClass) (*storagev1.StorageClass, error) {
	return l.translator.TranslateInTreeStorageClassToCSI(plugin, class)
}

func (l library) RepairHandle(driver, handle, nodeID string) (string, error) {
	return l.translator.RepairVolumeHandle(driver, handle, nodeID)
}

func (library) EBSVolumeID(id string) (string, error) {
	return plugins.KubernetesVolumeIDToEBSVolumeID(id)
}

func main() {
	oracle.Main(library{translator: csitranslation.New()})
}
