package evidence

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/absah-id/absah/internal/fault"
)

// readFloor returns the head in the floor file; the zero Head when there is no
// file. A file that is there and does not verify is ErrTampered: an emptied floor
// must not be a way round it.
func readFloor(name string, names []logName) (Head, error) {
	if name == "" {
		return Head{}, nil
	}
	msg, err := readNote(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Head{}, nil
	}
	if err != nil {
		return Head{}, fmt.Errorf("evidence: floor: %w", err)
	}
	head, err := verifyHistory(msg, names)
	if err != nil {
		return Head{}, fmt.Errorf("%w: floor %s: %w", ErrTampered, name, err)
	}
	return head, nil
}

func (l *Log) readFloor() (Head, error) {
	return readFloor(l.cfg.Floor, l.names)
}

// hasFloor tells whether the floor file is there, or none is kept.
func (l *Log) hasFloor() (bool, error) {
	if l.cfg.Floor == "" {
		return true, nil
	}
	_, err := os.Stat(l.cfg.Floor)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// firstFloor makes the floor of a log that has no entry, so that from the first
// one on a missing floor means that somebody has taken it away.
func (l *Log) firstFloor(ctx context.Context) error {
	head, msg, err := l.emptyFloor()
	if err != nil {
		return err
	}
	return l.raiseFloor(ctx, head, msg)
}

// emptyFloor returns the floor of a log that has no entry.
func (l *Log) emptyFloor() (head Head, msg []byte, err error) {
	if head.Root, err = tlog.TreeHash(0, nil); err != nil {
		return head, nil, err
	}
	msg, err = signNote(checkpointText(l.cfg.Origin, head), l.key)
	return head, msg, err
}

// SetFloor makes the floor file of a node that has none over a log with
// entries: a new machine's, or after the file was lost or moved away. Until
// then Check returns ErrNoFloor, since an old database is not told from the
// present one. The floor becomes the last checkpoint of the database, after all
// that Check looks at. The tree must continue the checkpoint kept, a signed
// note from outside the database: of another node, of a reader of the log, of a
// witness. Nil goes without: then the database is believed. The file is written
// after record has put the floor's head on record: a crash between the two leaves
// no floor, never one without a record. It returns record's error, ErrRollback or
// ErrTampered.
func (l *Log) SetFloor(ctx context.Context, kept []byte, record func(Head) error) error {
	if there, err := l.hasFloor(); err != nil || there {
		return errors.Join(errors.New("evidence: there is a floor already, or none is kept"), err)
	}
	head, msg, err := l.floorOver(ctx, kept)
	if err == nil {
		err = record(head)
	}
	if err != nil {
		return err
	}
	return l.raiseFloor(ctx, head, msg)
}

// floorOver returns the floor that fits the log, as SetFloor says.
func (l *Log) floorOver(ctx context.Context, kept []byte) (Head, []byte, error) {
	head, latest, err := l.agrees(ctx)
	if err != nil {
		return Head{}, nil, err
	}
	if kept != nil {
		earlier, err := verifyHistory(kept, l.names)
		if err != nil {
			return Head{}, nil, err
		}
		if err := l.continues(ctx, head, earlier); err != nil {
			return Head{}, nil, err
		}
	}
	if latest.Note == nil {
		return l.emptyFloor()
	}
	return latest.Head, latest.Note, nil
}

// readNote reads a file of at most maxNote bytes.
func readNote(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxNote {
		return nil, fmt.Errorf("%s is not a checkpoint", name)
	}
	return os.ReadFile(name)
}

// raiseFloor writes the checkpoint to the floor file. The file may be shared by
// the processes of one machine: a higher floor stays, and is another reason to
// refuse what contradicts it.
func (l *Log) raiseFloor(ctx context.Context, head Head, msg []byte) error {
	unlock, err := lockFile(l.cfg.Floor + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	floor, err := l.readFloor()
	if err != nil {
		return err
	}
	if floor.Size > head.Size {
		// Another process of this machine may have gone on since the head was
		// read: what the database says now decides.
		if head, err = l.cfg.Store.Head(ctx); err != nil {
			return err
		}
		return l.continues(ctx, head, floor)
	}
	if err := l.continues(ctx, head, floor); err != nil || floor == head {
		return err
	}
	return writeFile(l.cfg.Floor, msg)
}

// lockFile waits until no other process holds the lock on the file name, which
// it makes when it is missing. A process that dies gives its lock back.
func lockFile(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("evidence: floor: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("evidence: floor: %s: %w", name, err)
	}
	return func() { f.Close() }, nil
}

// writeFile replaces a file so that after a crash it holds the old bytes or the
// new, and that after it returns it holds the new: write, sync, rename, sync the
// folder. The caller holds the file's lock, so that the new bytes can wait under
// one name, and what a crash has left there is overwritten.
func writeFile(name string, data []byte) (err error) {
	dir := filepath.Dir(name)
	f, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("evidence: floor: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("evidence: floor: %w", err), os.Remove(f.Name()))
		}
	}()
	fault.Point("floor.created")
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644) // it is published anyway, and an auditor reads it
	}
	if err == nil {
		fault.Point("floor.written")
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	fault.Point("floor.synced")
	if err = os.Rename(f.Name(), name); err != nil {
		return err
	}
	fault.Point("floor.renamed")
	d, err2 := os.Open(dir)
	if err2 != nil {
		return fmt.Errorf("evidence: floor: %w", err2)
	}
	defer d.Close()
	if err2 := d.Sync(); err2 != nil {
		return fmt.Errorf("evidence: floor: %w", err2)
	}
	fault.Point("floor.after")
	return nil
}
