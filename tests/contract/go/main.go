// Sumdb answers questions about signed notes and Merkle trees with the packages of golang.org/x/mod/sumdb, so that
// whosaw's own notes, trees, proofs and tiles can be compared with code whosaw shares nothing with.
//
// One JSON object a line comes in on standard input, {"ask": name, ...}, and one goes out, the answer or {"error": text}.
// Bytes are base64 (as encoding/json writes []byte); the tree that "grow" builds is kept for the asks that follow.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"unicode"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// An ask is one line of input: the name of what is asked, and whatever of the rest it needs.
type ask struct {
	Ask     string   `json:"ask"`
	Name    string   `json:"name"`
	Keys    []string `json:"keys"`
	Text    string   `json:"text"`
	Note    []byte   `json:"note"`
	Entries [][]byte `json:"entries"`
	Size    int64    `json:"size"`
	Checks  []check  `json:"checks"`
	Tiles   []tile   `json:"tiles"`
	Paths   []string `json:"paths"`
}

// A check is a proof and what it should prove: that Leaf is at Index of the tree (Size, Root), or, with a non-empty
// OldRoot, that the tree (OldSize, OldRoot) is the beginning of it.
type check struct {
	Index   int64    `json:"index"`
	Leaf    []byte   `json:"leaf"`
	OldSize int64    `json:"old_size"`
	OldRoot []byte   `json:"old_root"`
	Size    int64    `json:"size"`
	Root    []byte   `json:"root"`
	Path    [][]byte `json:"path"`
}

// A tile is a tile's place and, on the way out, its path (with the leading height) and its hashes.
type tile struct {
	Level  int    `json:"level"`
	Number int64  `json:"number"`
	Width  int    `json:"width"`
	Path   string `json:"path,omitempty"`
	Body   []byte `json:"body,omitempty"`
}

type answer map[string]interface{}

// height is the one tile height tlog-tiles has, where this package lets the log choose.
const height = 8

// A log is the stored hashes of the tree grown so far.
type log struct {
	size   int64
	hashes []tlog.Hash
}

func (l *log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at < 0 || at >= int64(len(l.hashes)) {
			return nil, fmt.Errorf("no hash stored at %d", at)
		}
		out[i] = l.hashes[at]
	}
	return out, nil
}

func main() {
	var tree log
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var a ask
		var said answer
		if err = json.Unmarshal(line, &a); err == nil {
			said, err = reply(&a, &tree)
		}
		if err != nil {
			said = answer{"error": err.Error()}
		}
		if err := out.Encode(said); err != nil {
			return
		}
	}
}

func reply(a *ask, tree *log) (answer, error) {
	switch a.Ask {
	case "key":
		secret, verifier, err := note.GenerateKey(rand.Reader, a.Name)
		return answer{"secret": secret, "verifier": verifier}, err
	case "sign":
		return sign(a)
	case "open":
		return open(a)
	case "grow":
		return grow(a, tree)
	case "inclusion":
		return inclusion(a, tree)
	case "consistency":
		return consistency(a, tree)
	case "check":
		return verdicts(a)
	case "tiles":
		return tiles(a, tree)
	case "paths":
		return paths(a)
	case "spaces":
		return answer{"spaces": spaces()}, nil
	}
	return nil, fmt.Errorf("nothing is called %q here", a.Ask)
}

func sign(a *ask) (answer, error) {
	var signers []note.Signer
	for _, key := range a.Keys {
		signer, err := note.NewSigner(key)
		if err != nil {
			return nil, err
		}
		signers = append(signers, signer)
	}
	signed, err := note.Sign(&note.Note{Text: a.Text}, signers...)
	return answer{"note": signed}, err
}

func open(a *ask) (answer, error) {
	var verifiers []note.Verifier
	for _, key := range a.Keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(a.Note, note.VerifierList(verifiers...))
	if err != nil {
		return nil, err
	}
	signers := []string{}
	for _, each := range opened.Sigs {
		signers = append(signers, each.Name)
	}
	return answer{"text": opened.Text, "signers": signers}, nil
}

// grow starts the tree afresh with the entries and answers its root at every size from 1 on.
func grow(a *ask, tree *log) (answer, error) {
	*tree = log{}
	roots := [][]byte{}
	for _, entry := range a.Entries {
		hashes, err := tlog.StoredHashes(tree.size, entry, tree)
		if err != nil {
			return nil, err
		}
		tree.hashes = append(tree.hashes, hashes...)
		tree.size++
		root, err := tlog.TreeHash(tree.size, tree)
		if err != nil {
			return nil, err
		}
		roots = append(roots, raw(root))
	}
	return answer{"roots": roots}, nil
}

// inclusion answers the path of each check's index in the tree of its size.
func inclusion(a *ask, tree *log) (answer, error) {
	proofs := [][][]byte{}
	for _, each := range a.Checks {
		proof, err := tlog.ProveRecord(each.Size, each.Index, tree)
		if err != nil {
			return nil, err
		}
		proofs = append(proofs, rawAll(proof))
	}
	return answer{"proofs": proofs}, nil
}

// consistency answers the proof from each check's old size to its size.
func consistency(a *ask, tree *log) (answer, error) {
	proofs := [][][]byte{}
	for _, each := range a.Checks {
		proof, err := tlog.ProveTree(each.Size, each.OldSize, tree)
		if err != nil {
			return nil, err
		}
		proofs = append(proofs, rawAll(proof))
	}
	return answer{"proofs": proofs}, nil
}

// verdicts answers, for each check, whether it holds.
func verdicts(a *ask) (answer, error) {
	hold := []bool{}
	for _, each := range a.Checks {
		hold = append(hold, holds(each))
	}
	return answer{"hold": hold}, nil
}

func holds(c check) bool {
	root, err := hash(c.Root)
	if err != nil {
		return false
	}
	var path []tlog.Hash
	for _, each := range c.Path {
		one, err := hash(each)
		if err != nil {
			return false
		}
		path = append(path, one)
	}
	if len(c.OldRoot) > 0 {
		old, err := hash(c.OldRoot)
		return err == nil && tlog.CheckTree(tlog.TreeProof(path), c.Size, root, c.OldSize, old) == nil
	}
	leaf, err := hash(c.Leaf)
	return err == nil && tlog.CheckRecord(tlog.RecordProof(path), c.Size, root, c.Index, leaf) == nil
}

// tiles answers every tile of the first a.Size entries of the tree.
func tiles(a *ask, tree *log) (answer, error) {
	out := []tile{}
	for _, each := range tlog.NewTiles(height, 0, a.Size) {
		body, err := tlog.ReadTileData(each, tree)
		if err != nil {
			return nil, err
		}
		out = append(out, tile{each.L, each.N, each.W, each.Path(), body})
	}
	return answer{"tiles": out}, nil
}

// paths answers the path of each tile, and the tile of each path or null where it is none.
func paths(a *ask) (answer, error) {
	written := []string{}
	for _, each := range a.Tiles {
		written = append(written, tlog.Tile{H: height, L: each.Level, N: each.Number, W: each.Width}.Path())
	}
	read := []*tile{}
	for _, path := range a.Paths {
		if parsed, err := tlog.ParseTilePath(path); err == nil && parsed.H == height {
			read = append(read, &tile{Level: parsed.L, Number: parsed.N, Width: parsed.W})
		} else {
			read = append(read, nil)
		}
	}
	return answer{"paths": written, "tiles": read}, nil
}

// spaces answers every code point that Unicode calls a space, which no key name may hold.
func spaces() []rune {
	found := []rune{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.IsSpace(r) {
			found = append(found, r)
		}
	}
	return found
}

func hash(raw []byte) (tlog.Hash, error) {
	var h tlog.Hash
	if len(raw) != tlog.HashSize {
		return h, fmt.Errorf("a hash of %d bytes", len(raw))
	}
	copy(h[:], raw)
	return h, nil
}

func raw(h tlog.Hash) []byte { return append([]byte(nil), h[:]...) }

func rawAll(hashes []tlog.Hash) [][]byte {
	out := [][]byte{}
	for _, each := range hashes {
		out = append(out, raw(each))
	}
	return out
}
