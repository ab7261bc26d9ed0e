package oracle

import (
	"encoding/json"
	"fmt"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	kubejson "sigs.k8s.io/json"
)

// Question is one case, as recorded in conformance files.
type Question struct {
	ID    string          `json:"id"`
	Op    string          `json:"op"`
	Input json.RawMessage `json:"input"`
	Args  struct {
		ID           string `json:"id"`
		Plugin       string `json:"plugin"`
		PodNamespace string `json:"podNamespace"`
		Driver       string `json:"driver"`
		VolumeHandle string `json:"volumeHandle"`
		NodeID       string `json:"nodeID"`
	} `json:"args"`
}

// Answer is what the library said: an output when OK, else an error.
type Answer struct {
	ID     string          `json:"id"`
	OK     bool            `json:"ok"`
	Output json.RawMessage `json:"output,omitempty"`
	Error  string          `json:"error,omitempty"`
	Panic  bool            `json:"panic,omitempty"`
}

// Ask never panics, though the library does for some inputs.
func Ask(library Library, question Question) (answer Answer) {
	defer func() {
		if cause := recover(); cause != nil {
			answer = Answer{ID: question.ID, Error: fmt.Sprintf("panic: %v", cause), Panic: true}
		}
	}()
	output, err := call(library, question)
	if err == nil {
		var text []byte
		if text, err = json.Marshal(output); err == nil {
			return Answer{ID: question.ID, OK: true, Output: text}
		}
	}
	return Answer{ID: question.ID, Error: err.Error()}
}

func call(library Library, question Question) (any, error) {
	args := question.Args
	switch question.Op {
	case "pv-to-csi":
		pv, err := decode[v1.PersistentVolume](question.Input)
		if err != nil {
			return nil, err
		}
		return library.PVToCSI(pv)
	case "csi-to-pv":
		pv, err := decode[v1.PersistentVolume](question.Input)
		if err != nil {
			return nil, err
		}
		return library.CSIToPV(pv)
	case "inline-to-csi":
		volume, err := decode[v1.Volume](question.Input)
		if err != nil {
			return nil, err
		}
		return library.InlineToCSI(volume, args.PodNamespace)
	case "sc-to-csi":
		class, err := decode[storagev1.StorageClass](question.Input)
		if err != nil {
			return nil, err
		}
		plugin := args.Plugin
		if plugin == "" && class != nil {
			plugin = class.Provisioner
		}
		return library.StorageClassToCSI(plugin, class)
	case "repair-handle":
		return library.RepairHandle(args.Driver, args.VolumeHandle, args.NodeID)
	case "ebs-volume-id":
		return library.EBSVolumeID(args.ID)
	}
	return nil, fmt.Errorf("unknown op %q", question.Op)
}

// decode reads as the API server does, which encoding/json does not: field
// names are case-sensitive. It gives nil for null, which the library is asked
// about as well.
func decode[T any](text []byte) (*T, error) {
	var value *T
	if err := kubejson.UnmarshalCaseSensitivePreserveInts(text, &value); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	return value, nil
}
