package oracle

import (
	"encoding/json"
	"runtime"
	"time"

	v1 "k8s.io/api/core/v1"
)

// Timing is the cost of one PersistentVolume from JSON to JSON.
type Timing struct {
	PVs     int     `json:"pvs"`
	Failed  int     `json:"failed"`
	Rounds  int     `json:"rounds"`
	NsPerPV float64 `json:"nsPerPV"` // of the best round
}

// Bench decodes, translates and encodes every PV on one thread, round after
// round. A PV that the library refuses counts: it was decoded all the same.
func Bench(library Library, pvs [][]byte, rounds int) Timing {
	runtime.GOMAXPROCS(1)
	timing := Timing{PVs: len(pvs), Rounds: rounds}
	if len(pvs) == 0 {
		return timing
	}
	for round := 0; round < rounds; round++ {
		failed := 0
		runtime.GC()
		start := time.Now()
		for _, text := range pvs {
			if !translate(library, text) {
				failed++
			}
		}
		ns := float64(time.Since(start).Nanoseconds()) / float64(len(pvs))
		if round == 0 || ns < timing.NsPerPV {
			timing.NsPerPV = ns
		}
		timing.Failed = failed
	}
	return timing
}

func translate(library Library, text []byte) bool {
	var pv v1.PersistentVolume
	if json.Unmarshal(text, &pv) != nil {
		return false
	}
	translated, err := library.PVToCSI(&pv)
	if err != nil {
		return false
	}
	_, err = json.Marshal(translated)
	return err == nil
}
