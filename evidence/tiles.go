package evidence

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Tiles of C2SP tlog-tiles are 256 hashes wide.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// tile names a tile or an entry bundle.
type tile struct {
	entries bool
	level   int   // of the tree in steps of eight; 0 for entries
	n       int64 // which one, from the left
	width   int64 // 1…256
}

// errTile is the answer to a path that no tile can have.
var errTile = errors.New("evidence: no such tile")

// parseTile reads what stands behind "tile/" in a path: L/N[.p/W] or
// entries/N[.p/W], in the one spelling that tlog-tiles allows.
func parseTile(path string) (tile, error) {
	t := tile{width: tileWidth}
	kind, rest, ok := strings.Cut(path, "/")
	if !ok {
		return tile{}, errTile
	}
	if kind == "entries" {
		t.entries = true
	} else {
		level, err := parseDecimal(kind)
		if err != nil || level > 63 {
			return tile{}, errTile
		}
		t.level = int(level)
	}
	if index, width, partial := strings.Cut(rest, ".p/"); partial {
		w, err := parseDecimal(width)
		if err != nil || w < 1 || w >= tileWidth {
			return tile{}, errTile
		}
		t.width, rest = w, index
	}
	n, err := parseTileIndex(rest)
	if err != nil {
		return tile{}, err
	}
	t.n = n
	return t, nil
}

// parseTileIndex reads 1234067 as x001/x234/067.
func parseTileIndex(s string) (int64, error) {
	parts := strings.Split(s, "/")
	n := int64(0)
	for i, part := range parts {
		last := i == len(parts)-1
		if !last {
			var ok bool
			if part, ok = strings.CutPrefix(part, "x"); !ok || i == 0 && part == "000" {
				return 0, errTile
			}
		}
		d, err := strconv.ParseUint(part, 10, 16)
		if err != nil || len(part) != 3 || n > maxTree/1000 {
			return 0, errTile
		}
		n = n*1000 + int64(d)
	}
	return n, nil
}

// sizes returns the range of tree sizes, from (inclusive) to (exclusive), in
// which the tile has exactly its width; to is 0 for a full tile, which stays.
// ok is false when no tree that there can be has the tile.
func (t tile) sizes() (from, to int64, ok bool) {
	shift := tileHeight * t.level
	first := t.n*tileWidth + t.width // how many hashes of its level the tree has
	if shift > 50 || t.n > maxTree/tileWidth || first > maxTree>>shift {
		return 0, 0, false
	}
	if t.width == tileWidth {
		return first << shift, 0, true
	}
	return first << shift, (first + 1) << shift, true
}

// ServeHTTP serves the log as C2SP tlog-tiles: checkpoint, tile/L/N[.p/W] and
// tile/entries/N[.p/W] below the root of its path (the caller strips a prefix).
// Beside it stand what a bundle has under the same names: keys.txt and
// successor-N.note, for whoever kept an older key. Partial tiles exist only of
// sizes for which a checkpoint does. An entry of a bundle is the 32 bytes of
// Entry.Leaf. Nothing else is disclosed, and nobody needs permission.
func (l *Log) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	body, kind, cache, err := l.resource(r.Context(), strings.TrimPrefix(r.URL.Path, "/"))
	switch {
	case errors.Is(err, errTile):
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "not found", http.StatusNotFound)
		return
	case err != nil:
		l.cfg.Logger.ErrorContext(r.Context(), "evidence log", "step", "serve", "error", err)
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "the log cannot be read now", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", cache)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*") // public by design: monitors run in browsers too
	if r.Method == http.MethodGet {
		if _, err := w.Write(body); err != nil {
			return // the client has gone
		}
	}
}

func (l *Log) resource(ctx context.Context, path string) (body []byte, kind, cache string, err error) {
	if text, err := l.text(ctx, path); text != nil || err != nil {
		return text, "text/plain; charset=utf-8", "no-cache", err
	}
	name, ok := strings.CutPrefix(path, "tile/")
	if !ok {
		return nil, "", "", errTile
	}
	t, err := parseTile(name)
	if err != nil {
		return nil, "", "", err
	}
	if err := l.published(ctx, t); err != nil {
		return nil, "", "", err
	}
	if t.entries {
		body, err = l.entryBundle(ctx, t)
	} else {
		body, err = tlog.ReadTileData(tlog.Tile{H: tileHeight, L: t.level, N: t.n, W: int(t.width)}, l.hashes(ctx))
	}
	return body, "application/octet-stream", "public, max-age=31536000, immutable", err
}

// text is what the log serves beside its tiles; nil for a path that is none of
// it.
func (l *Log) text(ctx context.Context, path string) ([]byte, error) {
	switch path {
	case "checkpoint":
		c, ok, err := l.cfg.Store.LatestCheckpoint(ctx)
		if err == nil && !ok {
			err = errTile
		}
		c.Cosignatures = l.genuine(&c)
		return c.Cosigned(), err
	case "keys.txt":
		return []byte(strings.Join(l.AllKeys(), "\n") + "\n"), nil
	}
	number, ok := strings.CutPrefix(path, "successor-")
	if number, ok2 := strings.CutSuffix(number, ".note"); ok && ok2 {
		n, err := parseDecimal(number)
		if err != nil {
			return nil, errTile
		}
		statements, err := l.Successors(ctx)
		if err == nil && (n < 1 || n > int64(len(statements))) {
			err = errTile
		}
		if err != nil {
			return nil, err
		}
		return statements[n-1], nil
	}
	return nil, nil
}

// published tells whether some checkpoint is of a tree that has the tile.
func (l *Log) published(ctx context.Context, t tile) error {
	from, to, ok := t.sizes()
	if !ok {
		return errTile
	}
	c, ok, err := l.cfg.Store.CheckpointFor(ctx, from, false)
	if err == nil && (!ok || to > 0 && c.Size >= to) {
		err = errTile
	}
	return err
}

// entryBundle is a sequence of entries, each behind its length in two bytes.
func (l *Log) entryBundle(ctx context.Context, t tile) ([]byte, error) {
	entries, err := l.cfg.Store.Entries(ctx, t.n*tileWidth, t.width)
	if err != nil {
		return nil, err
	}
	if int64(len(entries)) != t.width {
		return nil, fmt.Errorf("%w: %d of %d entries from %d are there", ErrTampered, len(entries), t.width, t.n*tileWidth)
	}
	var out []byte
	for _, e := range entries {
		out = binary.BigEndian.AppendUint16(out, uint16(len(e.Leaf)))
		out = append(out, e.Leaf[:]...)
	}
	return out, nil
}
