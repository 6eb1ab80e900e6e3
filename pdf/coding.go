package pdf

// plainlyCoded says whether all readers decode a stream that organises the file
// alike: without filters, or by FlateDecode with a predictor of PNG whose
// parameters are direct integers. Some readers also know the abbreviations of
// inline images, /F and /DP, and differ about parameters of other types.
func plainlyCoded(d Dict) bool {
	for _, k := range []Name{"F", "DP", "FFilter", "FDecodeParms"} {
		if Present(d[k]) {
			return false
		}
	}
	filter, parms := d["Filter"], d["DecodeParms"]
	if a, ok := filter.(Array); ok {
		list, both := parms.(Array)
		if len(a) > 1 || both && len(list) != len(a) || !both && Present(parms) {
			return false
		}
		if filter = nil; len(a) == 1 {
			filter = a[0]
		}
		if parms = nil; len(list) == 1 {
			parms = list[0]
		}
	}
	if !Present(filter) {
		return !Present(parms)
	}
	return filter == Object(Name("FlateDecode")) && plainPredictor(parms)
}

// plainPredictor says the same of the parameters of FlateDecode.
func plainPredictor(parms Object) bool {
	if !Present(parms) {
		return true
	}
	d, ok := parms.(Dict)
	if !ok {
		return false
	}
	for k, v := range d {
		n, ok := v.(Integer)
		switch {
		case !ok:
			return false
		case k == "Predictor" && (n == 1 || n >= 10 && n <= 15), k == "Columns" && n > 0 && n <= 1<<20, k == "Colors" && n == 1, k == "BitsPerComponent" && n == 8:
		default:
			return false
		}
	}
	return true
}
