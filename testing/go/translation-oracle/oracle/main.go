package oracle

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// Main is the program around a library: questions as JSON lines on stdin,
// their answers in the same order on stdout; or PVs as JSON lines with -bench.
func Main(library Library) {
	rounds := flag.Int("bench", 0, "read PersistentVolumes and time this many rounds of decode, translate, encode")
	flag.Parse()
	if err := run(library, *rounds, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "translation-oracle:", err)
		os.Exit(1)
	}
}

func run(library Library, rounds int, stdin io.Reader, stdout io.Writer) error {
	in := bufio.NewReaderSize(stdin, 1<<20)
	out := bufio.NewWriter(stdout)
	encoder := json.NewEncoder(out)
	if rounds > 0 {
		pvs, err := allLines(in)
		if err != nil {
			return err
		}
		if err := encoder.Encode(Bench(library, pvs, rounds)); err != nil {
			return err
		}
		return out.Flush()
	}
	for number := 1; ; number++ {
		line, err := nextLine(in)
		if errors.Is(err, io.EOF) {
			return out.Flush()
		}
		if err != nil {
			return err
		}
		var question Question
		if err := json.Unmarshal(line, &question); err != nil {
			return fmt.Errorf("question %d: %w", number, err)
		}
		if err := encoder.Encode(Ask(library, question)); err != nil {
			return err
		}
		// Who asks one question at a time waits for its answer.
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

func allLines(in *bufio.Reader) ([][]byte, error) {
	var lines [][]byte
	for {
		line, err := nextLine(in)
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
}

// nextLine gives the next line that is not blank, and io.EOF after the last.
func nextLine(in *bufio.Reader) ([]byte, error) {
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 1 || (len(line) == 1 && line[0] != '\n') {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
