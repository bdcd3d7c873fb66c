package category

// Form is one of the 24 forms of online scams that Vietnam's authorities published in 2023, in the order of their
// handbook "Cẩm nang nhận diện và phòng chống lừa đảo trực tuyến" (docs/categories.md says where). Most of them were
// categories already or became one; what is wider than one category has the one that comes nearest.
type Form struct {
	Number   int
	Category Category
}

// Forms lists them.
func Forms() []Form { return forms[:] }

var forms = [...]Form{
	{1, Travel},
	{2, Deepfake},
	{3, Sim},
	{4, Receipt},
	{5, Emergency},
	{6, Talent},
	{7, Loan},
	{8, Malware},
	{9, Phishing},
	{10, Sms},
	{11, Investment},
	{12, Job},
	{13, Hijacked},
	{14, Authority},
	{15, Shop},
	{16, Identity},
	{17, Transfer},
	{18, Recovery},
	{19, Otp},
	{20, Hoax},
	{21, Unlock},
	{22, Romance},
	{23, Phishing},
	{24, Lottery},
}
