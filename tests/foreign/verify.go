// Command verify checks a C2SP tlog-tiles folder with the Go project's own note and tlog packages.
//
// It shares no code with the product. It reads every byte of the log: the signed checkpoint, every entry bundle,
// every tile, and an inclusion proof for every entry. It prints "OK size root" and exits with 0, or says what is
// wrong and exits with 1.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height  = 8
	width   = 1 << height
	maxSize = 1 << 24 // all hashes of the log are held in memory
)

func main() {
	sample := flag.Int64("sample", 1000, "how many inclusion proofs to build from the tiles on disk, evenly spread")
	flag.Parse()
	if flag.NArg() != 2 || *sample < 1 {
		fmt.Fprintln(os.Stderr, "usage: verify [-sample N] LOG-FOLDER VKEY")
		os.Exit(2)
	}
	tree, err := verify(flag.Arg(0), flag.Arg(1), *sample)
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAILED:", err)
		os.Exit(1)
	}
	fmt.Println("OK", tree.N, tree.Hash)
}

func verify(dir, vkey string, sample int64) (tlog.Tree, error) {
	tree, err := readCheckpoint(dir, vkey)
	if err != nil {
		return tree, fmt.Errorf("checkpoint: %w", err)
	}
	if tree.N == 0 {
		// tlog.TreeHash of older versions returns zeros here instead of the hash of nothing.
		if tree.Hash != tlog.Hash(sha256.Sum256(nil)) {
			return tree, fmt.Errorf("checkpoint: size 0 with root %v, which is not the hash of nothing", tree.Hash)
		}
		return tree, nil
	}
	leaves, err := readLeaves(dir, tree.N)
	if err != nil {
		return tree, err
	}
	stored, err := storedHashes(leaves)
	if err != nil {
		return tree, err
	}
	root, err := tlog.TreeHash(tree.N, stored)
	if err != nil {
		return tree, err
	}
	if root != tree.Hash {
		return tree, fmt.Errorf("entries: they hash to %v, but the checkpoint signs %v", root, tree.Hash)
	}
	if err := checkTiles(dir, tree.N, stored); err != nil {
		return tree, err
	}
	return tree, checkInclusion(dir, tree, leaves, stored, sample)
}

// readCheckpoint opens the signed note and reads its three lines: origin, size, root.
func readCheckpoint(dir, vkey string) (tree tlog.Tree, err error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tree, err
	}
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		return tree, fmt.Errorf("%d lines, at least 3 are needed", len(lines)-1)
	}
	if lines[0] != verifier.Name() {
		return tree, fmt.Errorf("origin %q, but the key is of %q", lines[0], verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || size > maxSize || strconv.FormatInt(size, 10) != lines[1] {
		return tree, fmt.Errorf("size %q is not a number from 0 to %d", lines[1], maxSize)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, fmt.Errorf("root %q is not a base64 hash", lines[2])
	}
	tree.N = size
	copy(tree.Hash[:], root)
	return tree, nil
}

// readLeaves hashes every entry of every bundle.
func readLeaves(dir string, size int64) ([]tlog.Hash, error) {
	leaves := make([]tlog.Hash, 0, size)
	for n := int64(0); n*width < size; n++ {
		want := size - n*width
		if want > width {
			want = width
		}
		path := resource("entries", n, int(want))
		data, stands, err := readResource(dir, "entries", n, int(want))
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < want; i++ {
			if len(data) < 2 {
				return nil, fmt.Errorf("%s: ends before entry %d of %d", path, i, want)
			}
			length := int(binary.BigEndian.Uint16(data))
			if len(data) < 2+length {
				return nil, fmt.Errorf("%s: ends within entry %d of %d", path, i, want)
			}
			leaves = append(leaves, tlog.RecordHash(data[2:2+length]))
			data = data[2+length:]
		}
		// A full bundle may stand in for a partial one, and then has more entries.
		if len(data) > 0 && !stands {
			return nil, fmt.Errorf("%s: %d bytes after its %d entries", path, len(data), want)
		}
	}
	return leaves, nil
}

// hashes are the stored hashes of the log in tlog's own order, computed from the entries.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index < 0 || index >= int64(len(h)) {
			return nil, fmt.Errorf("hash %d is outside the log", index)
		}
		list[i] = h[index]
	}
	return list, nil
}

func storedHashes(leaves []tlog.Hash) (hashes, error) {
	var stored hashes
	for n, leaf := range leaves {
		more, err := tlog.StoredHashesForRecordHash(int64(n), leaf, stored)
		if err != nil {
			return nil, err
		}
		stored = append(stored, more...)
	}
	return stored, nil
}

// tilesOf lists the full and partial tiles of a log of that size, from the leaves up.
func tilesOf(size int64) (list []tlog.Tile) {
	for level, count := 0, size; count > 0; level, count = level+1, count>>height {
		for n := int64(0); n < count>>height; n++ {
			list = append(list, tlog.Tile{H: height, L: level, N: n, W: width})
		}
		if w := int(count % width); w > 0 {
			list = append(list, tlog.Tile{H: height, L: level, N: count >> height, W: w})
		}
	}
	return list
}

// checkTiles compares every tile of the log with the one computed from the entries.
func checkTiles(dir string, size int64, stored hashes) error {
	for _, tile := range tilesOf(size) {
		want, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return err
		}
		got, err := readTile(dir, tile)
		if err != nil {
			return err
		}
		for i := 0; i < tile.W; i++ {
			at := i * tlog.HashSize
			if !bytes.Equal(got[at:at+tlog.HashSize], want[at:at+tlog.HashSize]) {
				path := resource(strconv.Itoa(tile.L), tile.N, tile.W)
				return fmt.Errorf("%s: hash %d is not that of the entries below it", path, i)
			}
		}
	}
	return nil
}

// tiles reads tiles from the folder for tlog, which checks them against the signed root itself.
type tiles struct{ dir string }

func (tiles) Height() int                     { return height }
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(list))
	for i, tile := range list {
		var err error
		if data[i], err = readTile(t.dir, tile); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// checkInclusion proves every entry from the hashes computed above, and a sample from the tiles on disk, as a client
// would who has only those. tlog authenticates the tiles anew for each such proof, which is slow.
func checkInclusion(dir string, tree tlog.Tree, leaves []tlog.Hash, stored hashes, sample int64) error {
	step := tree.N/sample + 1
	fromTiles := tlog.TileHashReader(tree, tiles{dir})
	for n := int64(0); n < tree.N; n++ {
		readers := []tlog.HashReader{stored}
		if n%step == 0 || n == tree.N-1 {
			readers = append(readers, fromTiles)
		}
		for _, reader := range readers {
			proof, err := tlog.ProveRecord(tree.N, n, reader)
			if err != nil {
				return fmt.Errorf("entry %d: no inclusion proof: %w", n, err)
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaves[n]); err != nil {
				return fmt.Errorf("entry %d: inclusion proof: %w", n, err)
			}
		}
	}
	return nil
}

func readTile(dir string, tile tlog.Tile) ([]byte, error) {
	level := strconv.Itoa(tile.L)
	data, stands, err := readResource(dir, level, tile.N, tile.W)
	if err != nil {
		return nil, err
	}
	want := tile.W * tlog.HashSize
	if stands && len(data) == width*tlog.HashSize {
		return data[:want], nil
	}
	if len(data) != want {
		return nil, fmt.Errorf("%s: %d bytes, not %d", resource(level, tile.N, tile.W), len(data), want)
	}
	return data, nil
}

// readResource reads a partial resource, or the full one that stands in for it where the partial one is gone.
func readResource(dir, kind string, n int64, w int) (data []byte, stands bool, err error) {
	data, err = os.ReadFile(filepath.Join(dir, resource(kind, n, w)))
	if w < width && os.IsNotExist(err) {
		if full, fullErr := os.ReadFile(filepath.Join(dir, resource(kind, n, width))); fullErr == nil {
			return full, true, nil
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", resource(kind, n, w), err)
	}
	return data, false, nil
}

// resource is the C2SP path: tile/KIND/N[.p/W], N in groups of three digits, all but the last with an x before.
func resource(kind string, n int64, w int) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if w < width {
		path = fmt.Sprintf("%s.p/%d", path, w)
	}
	return "tile/" + kind + "/" + path
}
